"""Messages and turns: what was said, in the order in which the workflow holds it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from placet.contracts.calls import Args
from placet.contracts.events import TurnCompleted
from placet.contracts.runs import CloseInput, ModelCall
from placet.ledger import Ledger, MessageDict, RunRow, ThreadHead, TurnRow, UnknownTurnError
from placet_testing.ledger_samples import NOON, a_call, a_message, a_run, after, new_id, some_args


def said(text: str) -> MessageDict:
    return a_message(text, "ai")


def model_call(index: int, tool: str = "refund") -> ModelCall:
    args: Args = some_args(tool, {"n": 2**70})
    return ModelCall(index=index, call_id="call_0", tool=tool, args=args)


async def put(
    ledger: Ledger, run: RunRow, turn_id: str, parent: str | None, text: str, *results: str, n: int = 0
) -> None:
    """Keeps a turn of one message, whose id is its text."""
    turn = TurnRow(
        id=turn_id,
        run_id=run.id,
        thread_id=run.thread_id,
        turn=n,
        parent_turn=parent,
        message_ids=(text,),
        results=results,
        calls=(model_call(0), model_call(1)),
    )
    completed = TurnCompleted(turn=n, message_id=text, calls=2) if parent else None
    await ledger.put_turn(turn, {text: said(text)}, completed)


def texts(messages: list[MessageDict]) -> list[str]:
    return [message["data"]["content"] for message in messages]


async def test_a_message_stays_what_it_was_first(ledger: Ledger) -> None:
    first = {"type": "tool", "data": {"content": "a\x00b \ud800", "n": 2**80, "z": 1, "a": [None, 1.5]}}
    await ledger.put_message("m", "run", first)
    await ledger.put_message("m", "run", said("another"))
    (found,) = await ledger.messages(["m"])
    assert found == first
    assert list(found["data"]) == ["content", "n", "z", "a"]


async def test_messages_come_in_the_order_of_the_ids(ledger: Ledger) -> None:
    ids = [f"m{n}" for n in range(1200)]
    for message_id in ids[::300]:
        await ledger.put_message(message_id, "run", said(message_id))
    wanted = [*reversed(ids), "m300"]
    assert texts(await ledger.messages(wanted)) == ["m900", "m600", "m300", "m0", "m300"]
    assert await ledger.messages([]) == []


async def test_a_turn_stays_what_it_was_first(ledger: Ledger) -> None:
    turn = TurnRow(
        id=new_id(), run_id="r", thread_id="t", turn=3, message_ids=("m",), results=("a", "b"), calls=(model_call(0),)
    )
    await ledger.put_turn(turn)
    await ledger.put_turn(TurnRow(id=turn.id, run_id="r", thread_id="t", turn=4))
    assert await ledger.turn(turn.id) == replace(turn, calls=(ModelCall(index=0, call_id="call_0", tool="refund"),))
    assert await ledger.turn("none") is None


async def test_a_transcript_follows_the_parents_and_branches(ledger: Ledger) -> None:
    """After a reset the workflow names other rows: the old branch is no part of the new transcript."""
    run = a_run()
    await ledger.open_run(run)
    for message_id in ("r0", "r1", "r1 after the reset"):
        await ledger.put_message(message_id, run.id, said(message_id))
    await put(ledger, run, "in", None, "hello")
    await put(ledger, run, "t0", "in", "first")
    await put(ledger, run, "t1", "t0", "second", "r1", "r0", n=1)
    await put(ledger, run, "t1b", "t0", "other", "r1 after the reset", n=1)
    assert texts(await ledger.transcript("in")) == ["hello"]
    assert texts(await ledger.transcript("t1")) == ["hello", "first", "r1", "r0", "second"]
    assert texts(await ledger.transcript("t1b")) == ["hello", "first", "r1 after the reset", "other"]


async def test_a_transcript_is_read_from_behind_a_turn(ledger: Ledger) -> None:
    """Who has a part of it reads the rest; a turn of another branch is behind nothing."""
    run = a_run()
    await ledger.open_run(run)
    await ledger.put_message("r0", run.id, said("r0"))
    await put(ledger, run, "in", None, "hello")
    await put(ledger, run, "t0", "in", "first")
    await put(ledger, run, "t1", "t0", "second", "r0", n=1)
    await put(ledger, run, "t1b", "t0", "other", n=1)
    assert texts(await ledger.transcript("t1", behind="in")) == ["first", "r0", "second"]
    assert texts(await ledger.transcript("t1", behind="t0")) == ["r0", "second"]
    for turn_id, behind in (("t1", "t1b"), ("t0", "t1"), ("t1", "nowhere")):
        with pytest.raises(UnknownTurnError):
            await ledger.transcript(turn_id, behind=behind)


async def test_a_long_transcript_is_read_whole(ledger: Ledger) -> None:
    run, parent = a_run(), None
    for n in range(300):
        turn = TurnRow(id=f"t{n}", run_id=run.id, thread_id="t", turn=n, parent_turn=parent, message_ids=(f"m{n}",))
        await ledger.put_turn(turn, {f"m{n}": said(f"m{n}")})
        parent = turn.id
    assert texts(await ledger.transcript("t299")) == [f"m{n}" for n in range(300)]


async def test_a_transcript_with_a_hole_is_an_error(ledger: Ledger) -> None:
    """A model that reads half a conversation would answer another question."""
    await ledger.put_turn(TurnRow(id="t1", run_id="r", thread_id="t", turn=1, parent_turn="lost"))
    for turn_id in ("none", "t1"):
        with pytest.raises(UnknownTurnError):
            await ledger.transcript(turn_id)


class TestOpenTurn:
    """While a turn goes on, its transcript shows the results that are there."""

    async def test_results_come_in_call_order_as_they_are_known(self, ledger: Ledger) -> None:
        run = a_run(input_turn="in")
        await put(ledger, run, "in", None, "hello")
        await ledger.open_run(run)
        assert texts(await ledger.run_messages(run.id)) == ["hello"]
        await put(ledger, run, "t0", "in", "first")
        assert texts(await ledger.run_messages(run.id)) == ["hello", "first"]
        await ledger.settle_call(a_call(run, 0, 1), "s", said("denied"))
        assert texts(await ledger.run_messages(run.id)) == ["hello", "first", "denied"]
        call = a_call(run, 0, 0)
        await ledger.start_call(call, some_args("refund", {}), 0, owner="a", approval_id=None, idempotent=False)
        await ledger.finish_call(call, 0, "a", status="succeeded", message_id="f", message=said("done"))
        assert texts(await ledger.run_messages(run.id)) == ["hello", "first", "done", "denied"]
        await put(ledger, run, "t1", "t0", "second", "f", "s", n=1)
        assert texts(await ledger.run_messages(run.id)) == ["hello", "first", "done", "denied", "second"]

    async def test_the_input_of_a_run_that_was_not_started_moves_no_head(self, ledger: Ledger) -> None:
        run = a_run(input_turn="in")
        await put(ledger, run, "in", None, "hello")
        await ledger.open_run(run)
        await put(ledger, run, "t0", "in", "first")
        await put(ledger, run, "in of another", None, "stranger")
        assert texts(await ledger.run_messages(run.id)) == ["hello", "first"]

    async def test_after_the_end_it_is_what_the_workflow_named_last(self, ledger: Ledger) -> None:
        run = a_run(input_turn="in")
        await put(ledger, run, "in", None, "hello")
        await ledger.open_run(run)
        await put(ledger, run, "t0", "in", "first")
        await put(ledger, run, "orphan", "in", "of a lost attempt")
        for message_id in ("r0", "r1"):
            await ledger.put_message(message_id, run.id, said(message_id))
        close = CloseInput(run_id=run.id, agent="billing", thread_id="t", status="cancelled", last_turn="t0")
        await ledger.close_run(close.model_copy(update={"results": {1: "r1", 0: "r0"}}))
        await put(ledger, run, "zombie", "t0", "too late", n=1)
        assert texts(await ledger.run_messages(run.id)) == ["hello", "first", "r0", "r1"]
        assert await ledger.thread_head(run.thread_id) == ThreadHead(1, "t0", ("r0", "r1"))

    async def test_a_run_of_nobody_has_no_messages(self, ledger: Ledger) -> None:
        assert await ledger.run_messages("none") == []


async def test_a_thread_goes_on_from_its_latest_run(ledger: Ledger) -> None:
    assert await ledger.thread_head("t") == ThreadHead(0)
    older, newer = (
        a_run(thread_id="t", input_turn="in1"),
        a_run(thread_id="t", input_turn="in2", started_at=after(hours=1)),
    )
    for run in (newer, older):
        await ledger.open_run(run)
    assert await ledger.thread_head("t") == ThreadHead(2, "in2")
    found = await ledger.run(older.id, NOON)
    assert found is not None
