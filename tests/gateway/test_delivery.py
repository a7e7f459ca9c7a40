"""How a decision gets to its approval: Update, then Signal, then waiting on, then "recorded"."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from placet.api.decisions.delivery import STORED, Delivery, Envelope, Limits
from placet.api.errors import ClosedError, NoAnswerError, UnreachableError
from placet.contracts.decisions import DecideResult
from placet.contracts.errors import Refusal, RefusedError
from placet_testing.fake_temporal import EPOCH, FakeClock

LIMITS = Limits(
    update=timedelta(seconds=0.3),
    signal=timedelta(seconds=0.3),
    in_all=timedelta(seconds=0.5),
    before_deadline=timedelta(seconds=0.1),
    shortest=timedelta(seconds=0.01),
)
WON = DecideResult(status="approved", digest="sha256:0", ended_at=EPOCH)


class Line:
    """What an approval does with what is sent to it."""

    def __init__(self, *, answer: DecideResult | Exception = WON, after: float = 0.0) -> None:
        self.answer = answer
        self.after = after
        self.refusal: Exception | None = None
        self.store_takes = 0.0
        self.sent: list[str] = []
        self.abandoned = False

    async def update(self) -> DecideResult:
        self.sent.append("update")
        try:
            await asyncio.sleep(self.after)
        except asyncio.CancelledError:
            self.abandoned = True
            raise
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def store(self) -> None:
        self.sent.append("signal")
        await asyncio.sleep(self.store_takes)
        if self.refusal:
            raise self.refusal

    def envelope(self, left: float | None = None) -> Envelope:
        expires_at = None if left is None else EPOCH + timedelta(seconds=left)
        return Envelope("a", expires_at, self.update, self.store)


@pytest.fixture
def delivery() -> Delivery:
    return Delivery(LIMITS, FakeClock())


@pytest.mark.parametrize(
    ("left", "patience"),
    [(None, 5.0), (3_600, 5.0), (7.0, 5.0), (6.0, 4.0), (4.0, 2.0), (3.0, 1.5), (0.2, 0.1), (0.05, 0.05), (-9, 0.05)],
)
def test_the_nearer_the_deadline_the_earlier_the_signal(left: float | None, patience: float) -> None:
    given = None if left is None else timedelta(seconds=left)
    assert Limits().patience(given).total_seconds() == pytest.approx(patience)


async def test_a_worker_that_answers_leaves_no_signal(delivery: Delivery) -> None:
    line = Line(after=0.05)
    assert await delivery.deliver(line.envelope()) == WON
    assert line.sent == ["update"]


async def test_without_an_answer_the_same_is_stored_and_the_update_given_up(delivery: Delivery) -> None:
    line = Line(after=60)
    assert await delivery.deliver(line.envelope()) is STORED
    assert line.sent == ["update", "signal"]
    assert line.abandoned


async def test_near_the_deadline_it_is_stored_first_and_the_update_still_waited_for(delivery: Delivery) -> None:
    line = Line(after=0.15)
    assert await delivery.deliver(line.envelope(left=0.05)) == WON
    assert line.sent == ["update", "signal"]


async def test_where_every_place_is_taken_it_is_stored_at_once(delivery: Delivery) -> None:
    line = Line(answer=NoAnswerError("full"))
    began = asyncio.get_running_loop().time()
    assert await delivery.deliver(line.envelope()) is STORED
    assert asyncio.get_running_loop().time() - began < 0.1


async def test_a_no_from_the_gate_is_passed_on(delivery: Delivery) -> None:
    refusal = RefusedError(Refusal(code="stale_digest", message="look again"))
    with pytest.raises(RefusedError):
        await delivery.deliver(Line(answer=refusal).envelope())


async def test_a_no_that_comes_after_the_signal_is_still_the_answer(delivery: Delivery) -> None:
    refusal = RefusedError(Refusal(code="expired", message="late"))
    with pytest.raises(RefusedError):
        await delivery.deliver(Line(answer=refusal, after=0.1).envelope(left=0.05))


async def test_an_approval_that_closes_meanwhile_is_no_silence(delivery: Delivery) -> None:
    for line in (Line(answer=ClosedError("over")), Line(after=60)):
        line.refusal = ClosedError("over")
        with pytest.raises(ClosedError):
            await delivery.deliver(line.envelope())


async def test_without_a_connection_nothing_has_left(delivery: Delivery) -> None:
    line = Line(answer=UnreachableError("refused", sent=False))
    with pytest.raises(UnreachableError) as caught:
        await delivery.deliver(line.envelope())
    assert not caught.value.sent
    assert line.sent == ["update"]


@pytest.mark.parametrize("answer", [UnreachableError("reset", sent=True), NoAnswerError("full"), WON])
async def test_what_may_have_left_is_never_called_unsent(delivery: Delivery, answer: DecideResult | Exception) -> None:
    line = Line(answer=answer, after=60 if answer is WON else 0)
    line.refusal = UnreachableError("gone", sent=False)
    with pytest.raises(UnreachableError) as caught:
        await delivery.deliver(line.envelope())
    assert caught.value.sent


async def test_a_connection_that_is_lost_after_the_signal_changes_nothing(delivery: Delivery) -> None:
    line = Line(answer=UnreachableError("reset", sent=False), after=0.1)
    assert await delivery.deliver(line.envelope(left=0.05)) is STORED


async def test_a_signal_that_hangs_ends_within_the_whole_time(delivery: Delivery) -> None:
    line = Line(after=60)
    line.store_takes = 60
    began = asyncio.get_running_loop().time()
    with pytest.raises(UnreachableError):
        await delivery.deliver(line.envelope())
    assert asyncio.get_running_loop().time() - began < 0.6


async def test_an_answer_that_comes_while_the_signal_fails_is_as_good(delivery: Delivery) -> None:
    line = Line(after=0.1)
    line.store_takes = 0.15
    line.refusal = UnreachableError("reset", sent=True)
    assert await delivery.deliver(line.envelope(left=0.05)) == WON


async def test_one_update_goes_at_a_time_and_waiting_counts(delivery: Delivery) -> None:
    first, second = Line(after=60), Line()
    began = asyncio.get_running_loop().time()
    answers = await asyncio.gather(delivery.deliver(first.envelope()), delivery.deliver(second.envelope()))
    assert asyncio.get_running_loop().time() - began < 0.5
    assert answers[0] is STORED
    assert second.sent[0] == "signal"
    assert answers[1] in (STORED, WON)


async def test_approvals_do_not_wait_for_each_other(delivery: Delivery) -> None:
    slow, quick = Line(after=60), Line()
    other = Envelope("b", None, quick.update, quick.store)
    waiting = asyncio.create_task(delivery.deliver(slow.envelope()))
    await asyncio.sleep(0.01)
    assert await delivery.deliver(other) == WON
    assert not waiting.done()
    assert await waiting is STORED


async def test_a_client_that_leaves_gives_its_turn_back(delivery: Delivery) -> None:
    gone = asyncio.create_task(delivery.deliver(Line(after=60).envelope()))
    await asyncio.sleep(0.01)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert await delivery.deliver(Line().envelope()) == WON
