"""What a list of approvals may be asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from placet.contracts.approvals import ENDS, Approval, ApprovalStatus, Kind
from placet.contracts.calls import Risk
from placet.ledger import ApprovalQuery, Viewer

if TYPE_CHECKING:
    from placet.api.identity import Caller

MOST: Final = 200
StatusFilter = ApprovalStatus | Literal["ended", "any"]
Text = Annotated[str, Field(min_length=1, max_length=200)]


class ApprovalFilters(BaseModel):
    """The query of GET `/v1/approvals`."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    status: list[StatusFilter] = Field(default=["pending"])
    kind: Kind | None = None
    tool: Text | None = None
    agent: Text | None = None
    risk: Risk | None = None
    run_id: Text | None = None
    thread_id: Text | None = None
    source_workflow_type: Text | None = Field(default=None, alias="source.workflow_type")
    q: Text | None = None
    sort: Literal["expires_at", "requested_at", "-requested_at"] = "expires_at"
    limit: int = Field(default=50, ge=1, le=MOST)
    cursor: Annotated[str, Field(min_length=1, max_length=1_000)] | None = None


class ApprovalPage(BaseModel):
    """One page of approvals."""

    items: list[Approval]
    next_cursor: str | None


def viewer_of(caller: Caller) -> Viewer | None:
    """Returns what the ledger filters by; None for who sees all."""
    if caller.sees_all:
        return None
    return Viewer(user_id=caller.id, groups=caller.groups, roles=caller.roles)


def query_of(filters: ApprovalFilters, caller: Caller) -> ApprovalQuery:
    """Returns the ledger's query."""
    return ApprovalQuery(
        statuses=_statuses(filters.status),
        kind=filters.kind,
        tool=filters.tool,
        agent=filters.agent,
        risk=filters.risk,
        run_id=filters.run_id,
        thread_id=filters.thread_id,
        source_type=filters.source_workflow_type,
        q=filters.q,
        sort=filters.sort,
        limit=filters.limit,
        cursor=filters.cursor,
        visible_to=viewer_of(caller),
    )


def _statuses(wanted: list[StatusFilter]) -> tuple[ApprovalStatus, ...]:
    every: tuple[ApprovalStatus, ...] = ("pending", *ENDS)
    chosen: set[str] = set()
    for status in wanted:
        if status == "any":
            return every
        chosen.update(ENDS if status == "ended" else (status,))
    return tuple(status for status in every if status in chosen)
