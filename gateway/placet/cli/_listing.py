"""Looking: `inbox` and `show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, set_cell_size

from placet.cards import words
from placet.cards.view import headline, view
from placet.cards.visible import lines, one_line
from placet.cli._exits import ExitCode
from placet.cli._ids import SHORT, find_approval
from placet.cli._screen import now, paper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placet.cli._output import Output
    from placet.cli._session import Session
    from placet.client import ApprovalFilters
    from placet.contracts.approvals import Approval

_PAGE: Final = 200
_NARROWEST: Final = 12
_COLUMNS: Final = ("ID", "STATUS", "RISK", "REQUEST", "AGENT", "WAITING", "EXPIRES")
_REQUEST: Final = _COLUMNS.index("REQUEST")


def inbox(session: Session, filters: ApprovalFilters, limit: int) -> ExitCode:
    """Lists approvals."""
    items: list[Approval] = []
    cursor = filters.get("cursor")
    while True:
        page = session.client.approvals(**{**filters, "limit": min(limit - len(items), _PAGE), "cursor": cursor})
        items += page.items
        cursor = page.next_cursor
        if cursor is None or len(items) >= limit:
            break
    session.out.document({"items": [one.model_dump(mode="json") for one in items], "next_cursor": cursor})
    if session.out.as_json:
        return ExitCode.DONE
    if session.out.on_terminal:
        _table(session.out, items, "Nothing needs you." if filters.get("status") == "pending" else "Nothing found.")
    else:
        session.out.say_all(["\t".join(_fields(one)) for one in items])
    if cursor is not None:
        session.out.warn(f"There are more: --limit, or --cursor {cursor}")
    return ExitCode.DONE


def show(session: Session, typed: str, *, raw: bool) -> ExitCode:
    """Shows one approval in full, or only the canonical text that its digest covers."""
    approval = find_approval(session.client, typed)
    session.out.document(approval.model_dump(mode="json"))
    if session.out.as_json:
        return ExitCode.DONE
    if not raw:
        session.out.say_all(paper(session.out, approval, limit=None))
        return ExitCode.DONE
    text = view(approval).raw
    if session.out.on_terminal:
        session.out.say_all(lines(text))
    else:
        session.out.raw(text)
    return ExitCode.DONE


def _fields(approval: Approval) -> tuple[str, ...]:
    """Returns what a pipe gets of one approval: whole ids, absolute times."""
    return (
        approval.id,
        words.status_words(approval),
        approval.risk,
        approval.kind,
        one_line(approval.tool),
        headline(approval),
        one_line(approval.agent or ""),
        one_line(approval.run_id or ""),
        words.stamp(approval.requested_at),
        words.stamp(approval.expires_at) if approval.expires_at else "",
    )


def _table(out: Output, items: Sequence[Approval], none: str) -> None:
    if not items:
        out.say(none)
        return
    cells = [_cells(one) for one in items]
    columns(out, [_COLUMNS, *cells], stretch=_REQUEST)


def _cells(approval: Approval) -> tuple[str, ...]:
    at = now()
    expires = words.span(approval.expires_at - at) if approval.expires_at else "never"
    return (
        approval.id[:SHORT],
        words.status_words(approval),
        approval.risk.upper(),
        headline(approval),
        one_line(approval.agent or "-"),
        words.span((approval.ended_at or at) - approval.requested_at),
        expires if approval.status == "pending" else "-",
    )


def columns(out: Output, table: Sequence[Sequence[str]], stretch: int) -> None:
    """Prints rows below a heading; one column gives way where the terminal is narrow."""
    widths = [max(cell_len(row[place]) for row in table) for place in range(len(table[0]))]
    rest = out.width - 1 - sum(widths) + widths[stretch] - 2 * (len(widths) - 1)
    widths[stretch] = max(min(widths[stretch], rest), _NARROWEST)
    for place, row in enumerate(table):
        line = "  ".join(_fitted(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        out.say(line if place else out.bold(line))


def _fitted(cell: str, width: int) -> str:
    return set_cell_size(cell, width) if cell_len(cell) <= width else set_cell_size(cell, width - 1) + "…"
