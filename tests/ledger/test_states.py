"""The state of a run's graph beside its messages."""

from __future__ import annotations

from placet.contracts.runs import CloseInput
from placet.ledger import GraphState, Ledger, RunRow, TurnRow
from placet_testing.ledger_samples import a_call, a_message, a_run, new_id, some_args


def a_turn(run: RunRow, number: int, state: GraphState | None) -> TurnRow:
    """Returns a turn without messages, as a graph without any has them."""
    checkpoint = state.checkpoint if state else None
    return TurnRow(id=new_id(), run_id=run.id, thread_id=run.thread_id, turn=number, checkpoint=checkpoint, state=state)


async def test_of_a_run_the_newest_state_is_kept(ledger: Ledger) -> None:
    run, other = a_run(), a_run()
    await ledger.open_run(run)
    assert await ledger.graphs.state(run.id) is None
    newest = GraphState({"notes": ["a", 2**70, "\ud800"]}, ("picture",), "c2", {"i": 2})
    for number, state in enumerate((GraphState({"notes": []}, (), "c1"), newest, None)):
        await ledger.put_turn(a_turn(run, number, state))
    assert await ledger.graphs.state(run.id) == newest
    assert await ledger.graphs.state(other.id) is None


async def test_what_comes_twice_or_after_the_end_changes_nothing(ledger: Ledger) -> None:
    run = a_run()
    await ledger.open_run(run)
    early, last = (GraphState({"n": n}, (), f"c{n}") for n in (1, 2))
    first = a_turn(run, 0, early)
    await ledger.put_turn(first)
    await ledger.put_turn(a_turn(run, 1, last))
    await ledger.put_turn(first)
    assert await ledger.graphs.state(run.id) == last
    await ledger.close_run(
        CloseInput(run_id=run.id, agent=run.agent, thread_id=run.thread_id, status="cancelled", last_turn="t", turn=2)
    )
    await ledger.put_turn(a_turn(run, 2, early))
    assert await ledger.graphs.state(run.id) == last


async def test_a_graph_that_goes_on_knows_of_calls_that_may_have_run(ledger: Ledger) -> None:
    run = a_run()
    await ledger.open_run(run)
    turn = a_turn(run, 0, None)
    await ledger.put_turn(turn)
    assert (await ledger.graphs.start(turn.id, run.agent)).uncertain == frozenset()
    call = a_call(run)
    await ledger.start_call(call, some_args("refund", {}), 0, owner="o", approval_id=None, idempotent=False)
    assert (await ledger.graphs.start(turn.id, run.agent)).uncertain == {call.call_id}
    done = a_message("refunded", "tool")
    await ledger.finish_call(call, 0, "o", status="succeeded", message_id="m", message=done)
    assert (await ledger.graphs.start(turn.id, run.agent)).uncertain == frozenset()
