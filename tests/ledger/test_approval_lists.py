"""Lists of approvals: what they hold, in which order, page by page, for whom."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

import pytest

from placet.contracts.approvals import APPROVAL_STATUSES, ENDS, Approval, Asked, decision_record
from placet.contracts.calls import Source
from placet.contracts.decisions import Person
from placet.contracts.records import EndedEntry, RequestedEntry
from placet.ledger import ApprovalQuery, ApprovalSort, InvalidCursorError, Ledger, Viewer
from placet_testing.ledger_samples import NOON, a_decision, after, an_approval, ended_by, refused

ANY = ApprovalQuery(statuses=())


async def ask(ledger: Ledger, **changes: object) -> Asked:
    asked = an_approval(**changes)
    await ledger.record(asked, 0, (RequestedEntry(),))
    return asked


async def end(ledger: Ledger, asked: Asked, status: str) -> None:
    decision = a_decision(asked)
    decided = {"winner": decision, "decision": decision_record(decision, asked.args.digest)}
    by_somebody = status not in {"expired", "cancelled", "superseded"}
    ended = EndedEntry.model_validate({"status": status, "at": NOON} | (decided if by_somebody else {}))
    await ledger.record(asked, 1, (ended,))


async def listed(ledger: Ledger, query: ApprovalQuery = ANY, now: datetime = NOON) -> list[str]:
    """Returns the ids of all pages; the count agrees with them."""
    ids: list[str] = []
    while True:
        page = await ledger.approvals(query, now)
        assert len(page.items) <= query.limit
        ids += [approval.id for approval in page.items]
        if page.next_cursor is None:
            assert await ledger.count_approvals(query, now) == len(ids)
            return ids
        assert len(page.items) == query.limit
        query = replace(query, cursor=page.next_cursor)


async def test_an_empty_ledger_has_an_empty_page(ledger: Ledger) -> None:
    page = await ledger.approvals(ApprovalQuery(), NOON)
    assert (page.items, page.next_cursor) == ((), None)


async def test_every_status_is_found_by_its_name(ledger: Ledger) -> None:
    by_status: dict[str, str] = {}
    for status in APPROVAL_STATUSES:
        asked = await ask(ledger)
        by_status[status] = asked.id
        if status != "pending":
            await end(ledger, asked, status)
    for status, approval_id in by_status.items():
        assert await listed(ledger, ApprovalQuery(statuses=(status,))) == [approval_id]
    assert set(await listed(ledger)) == set(by_status.values())
    assert set(await listed(ledger, ApprovalQuery(statuses=ENDS))) == set(by_status.values()) - {by_status["pending"]}
    assert set(await listed(ledger, ApprovalQuery(statuses=APPROVAL_STATUSES))) == set(by_status.values())
    assert await listed(
        ledger, ApprovalQuery(statuses=("pending", "rejected", "pending"), sort="requested_at")
    ) == sorted((by_status["pending"], by_status["rejected"]))


async def test_lists_apply_the_deadline(ledger: Ledger) -> None:
    soon = await ask(ledger, expires_at=after(hours=1))
    never = await ask(ledger, expires_at=None)
    recorded = await ask(ledger, expires_at=after(hours=1))
    await ledger.note_recorded(recorded.id, a_decision(recorded))
    gone = await ask(ledger, expires_at=after(minutes=1))
    await end(ledger, gone, "expired")
    ticked = after(hours=1)
    assert set(await listed(ledger, ApprovalQuery())) == {soon.id, never.id, recorded.id}
    assert set(await listed(ledger, ApprovalQuery(), ticked)) == {never.id, recorded.id}
    assert set(await listed(ledger, ApprovalQuery(statuses=("expired",)), ticked)) == {soon.id, gone.id}
    assert set(await listed(ledger, ApprovalQuery(statuses=ENDS), ticked)) == {soon.id, gone.id}
    of_run = replace(ApprovalQuery(statuses=("expired",)), run_id="run-1")
    assert await listed(ledger, of_run, ticked) == []


async def test_pages_hold_each_approval_once_and_in_order(ledger: Ledger) -> None:
    """Many share a moment, some never expire; whatever the page size, the order is one."""
    chance = random.Random(7)  # noqa: S311 - no secret
    for _ in range(30):
        expiry = chance.choice([None, after(hours=1), after(hours=2), after(days=-1)])
        asked = await ask(ledger, expires_at=expiry, requested_at=after(minutes=chance.randrange(4)))
        if chance.random() < 0.4:
            await end(ledger, asked, chance.choice(["rejected", "expired"]))
    everything = (await ledger.approvals(ApprovalQuery(statuses=(), limit=200), NOON)).items
    for statuses in ((), ("pending",), ("pending", "expired", "rejected")):
        wanted = [approval for approval in everything if not statuses or approval.status in statuses]
        for sort, key, falling in SORTS:
            in_order = [approval.id for approval in sorted(wanted, key=key, reverse=falling)]
            for limit in (1, 7, 200):
                assert await listed(ledger, ApprovalQuery(statuses=statuses, sort=sort, limit=limit)) == in_order


def _by_expiry(approval: Approval) -> tuple[bool, datetime, str]:
    """Returns the key of the order: what never expires comes last."""
    return approval.expires_at is None, approval.expires_at or NOON, approval.id


def _by_request(approval: Approval) -> tuple[bool, datetime, str]:
    return False, approval.requested_at, approval.id


SORTS: Final[tuple[tuple[ApprovalSort, Callable[[Approval], tuple[bool, datetime, str]], bool], ...]] = (
    ("expires_at", _by_expiry, False),
    ("requested_at", _by_request, False),
    ("-requested_at", _by_request, True),
)


async def test_what_changes_between_two_pages_shifts_nothing(ledger: Ledger) -> None:
    all_of_them = [await ask(ledger, expires_at=after(hours=1 + n)) for n in range(6)]
    query = ApprovalQuery(limit=3)
    first = await ledger.approvals(query, NOON)
    await end(ledger, all_of_them[0], "rejected")
    await ask(ledger, expires_at=after(minutes=1))
    second = await ledger.approvals(replace(query, cursor=first.next_cursor), NOON)
    assert [approval.id for approval in second.items] == [asked.id for asked in all_of_them[3:]]


async def test_each_filter_and_all_together(ledger: Ledger) -> None:
    marked: dict[str, object] = {
        "tool": "send_email",
        "agent": "mailer",
        "risk": "critical",
        "run_id": "run-9",
        "thread_id": "t9",
        "source": Source(workflow_type="Checkout"),
    }
    wanted = await ask(ledger, **marked)
    await ask(ledger)
    filters = {key: value for key, value in marked.items() if key != "source"} | {"source_type": "Checkout"}
    for name, value in filters.items():
        assert await listed(ledger, replace(ANY, **{name: value})) == [wanted.id], name
        assert await listed(ledger, replace(ANY, **{name: "another"})) == [], name
    assert await listed(ledger, replace(ApprovalQuery(), **filters)) == [wanted.id]
    assert await listed(ledger, replace(ANY, kind="question")) == []
    assert len(await listed(ledger, replace(ANY, kind="tool_call"))) == 2


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("refund", True),
        ("REFUND 250", True),
        ("order müller", True),
        ("MÜLLER", True),
        ("billing", True),
        ("finance", True),
        ("straße", True),
        ("100%", True),
        ("a_b", True),
        ("\\", True),
        ('"amount":250', True),
        ("   ", True),
        ("axb", False),
        ("100x", False),
        ("refund nothing", False),
        ("' OR 1=1 --", False),
        ("x" * 1000, False),
        ("zero\x00", False),
        ("half \ud800", False),
    ],
)
async def test_words_are_found_wherever_people_read_them(ledger: Ledger, q: str, found: bool) -> None:  # noqa: FBT001
    asked = await ask(
        ledger,
        title="Refund 250 on order of Müller, 100% of it",
        args={"amount": 250, "street": "STRASSE 1", "path": "a_b\\c"},
        agent="billing",
        reason="Finance decides",
    )
    assert await listed(ledger, replace(ANY, q=q)) == ([asked.id] if found else [])


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "WzEsMl0", "bnVsbA", "é", "W" * 5000, "WyJhIiwiYiJd", "\x00"])
async def test_a_cursor_from_elsewhere_is_refused(ledger: Ledger, cursor: str) -> None:
    with pytest.raises(InvalidCursorError):
        await ledger.approvals(ApprovalQuery(cursor=cursor), NOON)


class TestVisibility:
    """A requester sees what they asked for, an approver what names them; the database filters."""

    async def test_an_approver_sees_what_names_them(self, ledger: Ledger) -> None:
        by_name = await ask(ledger, approvers=("user:dana",))
        by_group = await ask(ledger, approvers=("group:finance", "user:eve"))
        by_role = await ask(ledger, approvers=("role:approver",))
        await ask(ledger, approvers=("user:eve", "group:hr", "role:boss"))
        dana = Viewer("user:dana", frozenset({"finance"}), frozenset({"approver"}))
        query = replace(ANY, visible_to=dana)
        assert set(await listed(ledger, query)) == {by_name.id, by_group.id, by_role.id}
        assert await ledger.count_approvals(query, NOON) == 3

    async def test_who_is_no_approver_sees_nothing_that_names_them(self, ledger: Ledger) -> None:
        asked = await ask(ledger, approvers=("user:dana", "requester"), requester="user:max")
        dana = Viewer("user:dana", roles=frozenset({"requester"}))
        assert await listed(ledger, replace(ANY, visible_to=dana)) == []
        assert await ledger.approval(asked.id, NOON, dana) is None
        max_ = Viewer("user:max", roles=frozenset({"requester"}))
        assert await listed(ledger, replace(ANY, visible_to=max_)) == [asked.id]
        assert await ledger.approval(asked.id, NOON, max_) is not None

    async def test_without_a_role_nothing_is_seen(self, ledger: Ledger) -> None:
        await ask(ledger, approvers=("user:max",), requester="user:max")
        assert await listed(ledger, replace(ANY, visible_to=Viewer("user:max"))) == []

    async def test_an_approver_who_asked_sees_what_names_the_requester(self, ledger: Ledger) -> None:
        own = await ask(ledger, approvers=("requester",), requester="user:dana")
        await ask(ledger, approvers=("requester",), requester="user:max")
        await ask(ledger, approvers=("role:boss",), requester="user:dana")
        dana = Viewer("user:dana", roles=frozenset({"approver"}))
        assert await listed(ledger, replace(ANY, visible_to=dana)) == [own.id]

    async def test_a_refused_decision_hides_nothing(self, ledger: Ledger) -> None:
        asked = await ask(ledger)
        await ledger.record(asked, 1, (refused(a_decision(asked)),))
        dana = Viewer("user:dana", roles=frozenset({"approver"}))
        assert await listed(ledger, replace(ANY, visible_to=dana)) == [asked.id]


async def test_urgency_puts_the_critical_that_expire_soon_first_then_risk_then_age(ledger: Ledger) -> None:
    asked = {
        "low": await ask(ledger, risk="low", requested_at=after(minutes=-9)),
        "high, young": await ask(ledger, risk="high", requested_at=after(minutes=-1)),
        "high, old": await ask(ledger, risk="high", requested_at=after(minutes=-8)),
        "critical": await ask(ledger, risk="critical", requested_at=after(minutes=-7), expires_at=None),
        "critical, soon": await ask(
            ledger, risk="critical", requested_at=after(minutes=-2), expires_at=after(minutes=14)
        ),
        "medium": await ask(ledger, requested_at=after(minutes=-6)),
    }
    names = {one.id: name for name, one in asked.items()}
    for limit in (1, 2, 50):
        found = await listed(ledger, ApprovalQuery(sort="urgency", limit=limit))
        order = ["critical, soon", "critical", "high, old", "high, young", "medium", "low"]
        assert [names[one] for one in found] == order


async def test_a_list_may_hold_only_what_somebody_decided(ledger: Ledger) -> None:
    mine, anothers = await ask(ledger), await ask(ledger)
    await ask(ledger)
    eve = a_decision(anothers, by=Person(id="user:eve", via="web"))
    await ledger.record(mine, 1, (ended_by(a_decision(mine), mine),))
    await ledger.record(anothers, 1, (ended_by(eve, anothers),))
    assert await listed(ledger, replace(ANY, decided_by="user:dana")) == [mine.id]


async def test_a_list_may_hold_only_what_expires_soon_or_names_somebody(ledger: Ledger) -> None:
    soon = await ask(ledger, expires_at=after(minutes=50), approvers=("group:finance",))
    await ask(ledger, expires_at=after(minutes=70))
    await ask(ledger, expires_at=None)
    assert await listed(ledger, ApprovalQuery(expires_before=after(minutes=60))) == [soon.id]
    dana = Viewer("user:dana", frozenset({"finance"}), frozenset({"approver", "admin"}))
    auditor = Viewer("user:audra", frozenset(), frozenset({"auditor"}))
    assert len(await listed(ledger, ApprovalQuery(names=dana))) == 3
    assert await listed(ledger, ApprovalQuery(names=auditor)) == []
