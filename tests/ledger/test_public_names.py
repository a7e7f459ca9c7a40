"""What others may import from the ledger."""

from __future__ import annotations

import placet.ledger


def test_the_public_names_are_these() -> None:
    assert set(placet.ledger.__all__) == {
        "LARGEST_PAGE",
        "OVERDUE",
        "Access",
        "AgentRow",
        "ApprovalQuery",
        "ApprovalSort",
        "CallClaim",
        "CallEnd",
        "Figures",
        "GraphStart",
        "InvalidCursorError",
        "Judged",
        "KeyClaim",
        "Ledger",
        "LedgerError",
        "LedgerTooNewError",
        "LedgerUnavailableError",
        "McpServerRow",
        "MessageDict",
        "OpenApproval",
        "OpenRun",
        "Page",
        "PendingFigure",
        "Repairs",
        "RevokedKey",
        "RunEndedError",
        "RunQuery",
        "RunRow",
        "SegmentRow",
        "SessionRow",
        "Shown",
        "StoredDecision",
        "ThreadHead",
        "ThreadOrder",
        "ThreadQuery",
        "ThreadRow",
        "ThreadStatus",
        "Threads",
        "ToolRow",
        "TurnRow",
        "Unfinished",
        "UnknownTextError",
        "UnknownTurnError",
        "Viewer",
    }
