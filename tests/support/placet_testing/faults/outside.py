"""What must hold after any harm, seen by nobody but from outside: HTTP, streams, the tools' lines, Temporal."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.client import Client, WorkflowExecutionStatus

from placet.contracts.approvals import Outcome
from placet_testing.deployment import ENDINGS, Deployment, Json
from placet_testing.faults.histories import check_replays
from placet_testing.faults.work import EDITED, Begun, Work
from placet_testing.reading import owed

SETTLED: Final = 150.0
"""How long after the last harm everything may take to be as it stays, in seconds."""
FREE: Final = frozenset({"note"})
AGAIN: Final = frozenset({"set_again"})
_RUN_ENDS: Final = frozenset({"run.completed", "run.failed", "run.cancelled", "run.expired"})
_PAST: Final = {"approve": "approved", "edit": "approved", "reject": "rejected", "respond": "responded"}
_LONG: Final = timedelta(hours=1)
"""What is due within it is waited for: tests ask for seconds or for days."""
_OPEN: Final = WorkflowExecutionStatus.RUNNING


def assert_nothing_broke(work: Work) -> None:
    """Waits until everything has settled, then checks every promise against what the outside can see."""
    site = work.site
    assert work.unexpected == []
    runs = settled(work)
    events = site.events()
    approvals = {approval_id: site.read(approval_id) for approval_id in approvals_in(events)}
    check_accepted(work, events)
    for approval in approvals.values():
        check_one_end(approval, [event for event in events if event["approval_id"] == approval["id"]])
    for begun in work.begun:
        check_run(runs[begun.run["id"]], events)
        check_effects(site, begun, runs[begun.run["id"]], approvals.values())
    check_decisions(work, approvals)
    check_streams(work)
    for run_id in work.cancelled:
        assert runs[run_id]["ended_at"] is not None, f"{run_id} was cancelled and goes on"
    asyncio.run(check_temporal(site, runs.values(), approvals.values()))
    asyncio.run(check_replays(site, work.since, {begun.run["id"] for begun in work.begun}))


def check_accepted(work: Work, events: list[Json]) -> None:
    """What was answered 201 is there, and nothing else: a repeat under one key has started nothing of its own."""
    new = [event for event in events if event["id"] not in work.before]
    asked = {event["approval_id"] for event in new if event["type"] == "approval.requested" and not event["run_id"]}
    assert asked == {one["id"] for one in work.asked}
    assert {event["run_id"] for event in new if event["type"] == "run.started"} == {one.run["id"] for one in work.begun}


def settled(work: Work) -> dict[str, Json]:
    """Waits until nothing is under way any more, and returns the runs.

    Every run has ended or waits on approvals that people can see, and every approval has an end in the log or waits
    for longer than any test. What people were told has been decided or will be cancelled waits for nothing.
    """
    site, give_up = work.site, time.monotonic() + SETTLED
    decided = {said.approval_id for said in work.said}
    while True:
        events = site.events()
        runs = {begun.run["id"]: site.read_run(begun.run) for begun in work.begun}
        restless = [
            run_id
            for run_id, run in runs.items()
            if not run["ended_at"] and (run_id in work.cancelled or not _waits(site, run, events))
        ]
        restless += [
            approval_id
            for approval_id in approvals_in(events)
            if not (_has_ended(approval_id, events) or (approval_id not in decided and _is_long(site, approval_id)))
        ]
        if not restless:
            return runs
        if time.monotonic() > give_up:
            told = [event for event in events if {event["run_id"], event["approval_id"]} & set(restless)]
            lines = "\n".join(
                f"{event['run_id']} {event['approval_id']} {event['type']} {event['data']}" for event in told
            )
            message = f"{restless} neither ended nor wait:\n{lines}\n{site.logs()}"
            raise AssertionError(message)
        time.sleep(0.3)


def _waits(site: Deployment, run: Json, events: list[Json]) -> bool:
    """Whether a run waits for people and for nothing else: what was allowed of its calls has run."""
    own = [event for event in events if event["run_id"] == run["id"]]
    called = Counter(event["type"] for event in own)
    under_way = called["call.started"] - called["call.finished"] - called["call.uncertain"]
    if run["status"] != "waiting" or not run["pending"] or under_way > 0:
        return False
    decided = {event["approval_id"] for event in own if event["type"] == "approval.decided"}
    shown = [site.read(approval_id) for approval_id in decided]
    return all(one["execution"] for one in shown if one["kind"] == "tool_call" and one["status"] == "approved")


def _has_ended(approval_id: str, events: list[Json]) -> bool:
    return any(event["type"] in ENDINGS for event in events if event["approval_id"] == approval_id)


def _is_long(site: Deployment, approval_id: str) -> bool:
    """Whether an approval waits for people, nothing has been stored that may end it, and no test sees its deadline."""
    shown = site.read(approval_id)
    if shown["status"] != "pending" or shown.get("recorded"):
        return False
    return shown["expires_at"] is None or datetime.fromisoformat(shown["expires_at"]) > datetime.now(UTC) + _LONG


def approvals_in(events: list[Json]) -> set[str]:
    """Returns the ids of all approvals that were asked for."""
    return {event["approval_id"] for event in events if event["type"] == "approval.requested"}


def check_one_end(approval: Json, told: list[Json]) -> None:
    """One end in the log for what has ended, none for what waits, and both say the same."""
    types = [event["type"] for event in told]
    ends = [kind for kind in types if kind in ENDINGS]
    assert types.count("approval.requested") == 1, types
    # Reads apply a deadline before anybody has recorded it.
    if approval["status"] == "pending":
        assert ends == [], (approval["id"], types)
        return
    assert len(ends) == 1, (approval["id"], approval["status"], types)
    decided = {"approved", "rejected", "responded", "answered", "skipped"}
    wanted = "approval.decided" if approval["status"] in decided else f"approval.{approval['status']}"
    assert ends == [wanted], (approval, types)


def check_run(run: Json, events: list[Json]) -> None:
    """One end in the log for a run that has ended and nothing after it; none for a run that waits."""
    types = [event["type"] for event in events if event["run_id"] == run["id"]]
    assert types.count("run.started") == 1, types
    ends = [kind for kind in types if kind in _RUN_ENDS]
    assert len(ends) == (run["ended_at"] is not None), (run, types)
    if ends:
        assert types[-1] == ends[0] == f"run.{run['status']}", (run, types)
    assert run["status"] != "failed", run


def check_effects(site: Deployment, begun: Begun, run: Json, approvals: Iterable[Json]) -> None:
    """What the tools have left on the disk is what was decided."""
    of_it = [approval for approval in approvals if approval["run_id"] == run["id"]]
    for call in begun.calls:
        as_asked, as_edited = site.effects(call.text), site.effects(call.text + EDITED)
        lines = as_asked + as_edited
        gate = [one for one in of_it if one["kind"] == "tool_call" and one["args"] == {"text": call.text}]
        doubts = [one for one in of_it if one["kind"] == "question" and call.text in str(one["context"])]
        assert len(gate) <= 1, f"asked twice: {gate}"
        assert len({line["key"] for line in lines}) <= 1, "one call, two keys"
        allowed = call.tool in FREE or (bool(gate) and gate[0]["status"] == "approved")
        edited = bool(gate) and gate[0]["decision"] is not None and gate[0]["decision"]["type"] == "edit"
        assert (as_asked if edited else as_edited) == [], f"{call} ran with other arguments than were decided: {gate}"
        if not allowed:
            assert lines == [], f"{call} ran though {gate}"
        else:
            assert len(lines) <= 1 or call.tool in AGAIN, f"{call} ran {len(lines)} times"
            # Nobody ended such a run before it came to this call.
            reached = run["status"] == "completed" or (bool(gate) and run["ended_at"] is None)
            assert lines or doubts or not reached, f"{call} was allowed, its run went on, and it never ran"


def check_decisions(work: Work, approvals: dict[str, Json]) -> None:
    """A 200 stands; a 202 won or is among the refused; a 409 named who had won."""
    for said in work.said:
        kept, body = approvals[said.approval_id], said.answer.json()
        refused = {entry["decision_id"]: entry["code"] for entry in kept["refused"]}
        match said.answer.status_code:
            case 200:
                assert kept["decision"] is not None, (body, kept)
                assert body["decision"]["id"] == kept["decision"]["id"], "a 200 was contradicted"
                assert (kept["status"], kept["decision"]["by"]["id"]) == (_PAST[said.kind], f"user:{said.user}")
            case 202:
                won = kept["decision"] is not None and kept["decision"]["id"] == body["decision_id"]
                assert won or body["decision_id"] in refused, (body, kept)
            case _:
                assert body["code"] in {"already_decided", "expired", "cancelled", "superseded"}, body
                shown = body["approval"]
                assert shown["status"] == kept["status"], (shown, kept)
                assert _winner(shown) == _winner(kept)


def check_streams(work: Work) -> None:
    """Whoever read all the while got exactly what the log has for them, each event once and in its order."""
    try:
        for reader in work.readers:
            reader.wait(lambda reader=reader: reader.ids == owed(work.site, reader))
            # While the ledger is down a stream may be refused; it is never refused for another reason.
            assert all('"unavailable"' in refusal for refusal in reader.refused), reader.refused
    finally:
        work.stop_reading()


def _winner(approval: Json) -> str | None:
    return approval["decision"] and approval["decision"]["id"]


async def check_temporal(site: Deployment, runs: Iterable[Json], approvals: Iterable[Json]) -> None:
    """What the ledger shows as open is open in Temporal, and what it shows as ended is closed."""
    client = await site.temporal_client()
    for run in runs:
        open_there = await _status(client, run["id"]) == _OPEN
        assert open_there == (run["ended_at"] is None), run
    for approval in approvals:
        workflow_id = f"approval-{approval['id']}"
        status = await _status(client, workflow_id)
        assert (status == _OPEN) == (approval["status"] == "pending"), approval
        if status == WorkflowExecutionStatus.COMPLETED:
            outcome = await client.get_workflow_handle(workflow_id, result_type=Outcome).result()
            decision_id = outcome.decision and outcome.decision.id
            assert (outcome.status, decision_id) == (approval["status"], _winner(approval)), approval


async def _status(client: Client, workflow_id: str) -> WorkflowExecutionStatus | None:
    for _ in range(50):
        described = await client.get_workflow_handle(workflow_id).describe()
        if described.status != _OPEN:
            return described.status
        # The ledger hears of an end some milliseconds before the workflow is closed.
        pending = described.raw_description.HasField("pending_workflow_task")
        if not pending and not described.raw_description.pending_activities:
            return described.status
        await asyncio.sleep(0.1)
    return _OPEN
