"""What a tab of the inbox holds; every choice stands in the address, so that a link shows the same list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from placet.api.approvals.listing import viewer_of
from placet.contracts.approvals import ENDS, Kind
from placet.contracts.calls import Risk
from placet.ledger import ApprovalQuery, ApprovalSort, Viewer
from placet.web import pieces

if TYPE_CHECKING:
    from datetime import datetime

    from placet.api.identity import Caller

TabName = Literal["pending", "mine", "ended", "expired"]
SOON: Final = timedelta(hours=1)
A_PAGE: Final = 50


@dataclass(frozen=True)
class Tab:
    """A tab: what it is called, which statuses it holds, and how it is sorted unless asked otherwise."""

    name: TabName
    label: str
    statuses: tuple[str, ...]
    sort: ApprovalSort


TABS: Final[dict[TabName, Tab]] = {
    "pending": Tab("pending", "Pending", ("pending",), "urgency"),
    "mine": Tab("mine", "Decided by me", ENDS, "-requested_at"),
    "ended": Tab("ended", "All decided", ENDS, "-requested_at"),
    "expired": Tab("expired", "Expired", ("expired",), "-requested_at"),
}
SORTS: Final[dict[ApprovalSort, str]] = {
    "urgency": "Most urgent",
    "expires_at": "Deadline",
    "requested_at": "Oldest",
    "-requested_at": "Newest",
}


def _filled(value: object) -> object:
    """Returns None for the empty text that a form sends for what was not chosen."""
    return None if value == "" else value


_Text = Annotated[Annotated[str, Field(max_length=200)] | None, BeforeValidator(_filled)]


class InboxFilters(BaseModel):
    """The query of `/inbox`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tab: TabName = "pending"
    for_me: bool = False
    soon: bool = False
    kind: Annotated[Kind | None, BeforeValidator(_filled)] = None
    tool: _Text = None
    agent: _Text = None
    risk: Annotated[Risk | None, BeforeValidator(_filled)] = None
    run_id: _Text = None
    q: _Text = None
    sort: Annotated[ApprovalSort | None, BeforeValidator(_filled)] = None
    cursor: Annotated[Annotated[str, Field(max_length=1_000)] | None, BeforeValidator(_filled)] = None

    @property
    def are_set(self) -> bool:
        """Whether the list leaves out what the tab would show."""
        return bool(self.model_dump(exclude={"tab", "sort", "cursor"}, exclude_defaults=True))

    @property
    def narrow(self) -> bool:
        """Whether more than the search leaves something out."""
        return bool(self.model_dump(exclude={"tab", "sort", "cursor", "q"}, exclude_defaults=True))

    @property
    def order(self) -> ApprovalSort:
        """The order of the list."""
        return self.sort or TABS[self.tab].sort

    def address(self, **changed: object) -> str:
        """Returns the address of the list with some of it changed; a page is only of the list it was made for."""
        kept = self.model_dump(exclude={"cursor"}, exclude_defaults=True) | changed
        return pieces.address("/inbox", {name: _as_text(value) for name, value in kept.items()})


@dataclass(frozen=True)
class TabLink:
    """A tab as the page shows it."""

    label: str
    address: str
    is_open: bool
    count: int | None


def tabs(filters: InboxFilters, pending: int) -> list[TabLink]:
    """Returns the tabs; only what waits is counted."""
    return [
        TabLink(
            tab.label,
            pieces.address("/inbox", {"tab": None if name == "pending" else name}),
            is_open=name == filters.tab,
            count=pending if name == "pending" else None,
        )
        for name, tab in TABS.items()
    ]


def query_of(filters: InboxFilters, caller: Caller, now: datetime) -> ApprovalQuery:
    """Returns the ledger's query for what the caller may see of a tab."""
    tab = TABS[filters.tab]
    return ApprovalQuery(
        statuses=tab.statuses,
        kind=filters.kind,
        tool=filters.tool,
        agent=filters.agent,
        risk=filters.risk,
        run_id=filters.run_id,
        q=filters.q,
        names=Viewer(caller.id, caller.groups, caller.roles) if filters.for_me else None,
        decided_by=caller.id if tab.name == "mine" else None,
        expires_before=now + SOON if filters.soon else None,
        sort=filters.order,
        limit=A_PAGE,
        cursor=filters.cursor,
        visible_to=viewer_of(caller),
    )


def _as_text(value: object) -> str | None:
    if isinstance(value, bool):
        return "1" if value else None
    return None if value is None else str(value)
