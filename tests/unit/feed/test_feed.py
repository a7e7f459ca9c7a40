"""The feed: each gets each event that is theirs once and in order, whoever is slow, away or late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from placet.api.feed.feed import Feed, Pace
from placet.api.feed.frames import Wanted
from placet.api.feed.ring import Ring
from placet.contracts.events import Event, EventType
from placet.ledger import Viewer
from placet_testing.event_log import FakeLog, FakeWire, cursor_of, listen

PACE: Final = Pace(heartbeat=20.0, patience=60.0, look=0.5, after_an_error=0.001, page=3)
DANA: Final = Viewer("user:dana")
OMAR: Final = Viewer("user:omar")
RUNS: Final = ("run-a", "run-b", None)
TYPES: Final[tuple[EventType, ...]] = ("call.started", "call.finished", "run.completed")


@asynccontextmanager
async def feeding(log: FakeLog, pace: Pace = PACE, ring: Ring | None = None) -> AsyncGenerator[Feed]:
    feed = Feed(log, asyncio.Event(), pace, ring or Ring(4))
    try:
        yield feed
    finally:
        await feed.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.001)


def ids(*numbers: int) -> list[str]:
    return [cursor_of(number) for number in numbers]


async def test_who_keeps_up_is_served_without_a_look_into_the_ledger_of_their_own() -> None:
    log = FakeLog()
    async with feeding(log) as feed:
        wires = [listen(feed, Wanted(), await log.tail()) for _ in range(50)]
        await feed.begun()
        for number in range(1, 6):
            log.append()
            await until(lambda number=number: all(len(wire.got) == number for wire in wires))
        assert log.reads == 5
        assert all(wire.got == ids(1, 2, 3, 4, 5) for wire in wires)


async def test_what_somebody_sees_is_asked_once_a_look_however_many_streams_they_have() -> None:
    log = FakeLog()
    async with feeding(log) as feed:
        wires = [listen(feed, Wanted(viewer), await log.tail()) for viewer in (DANA, OMAR) for _ in range(20)]
        await feed.begun()
        log.append(seen_by=["user:dana"])
        await until(lambda: all(wire.got == ids(1) for wire in wires[:20]))
        assert not any(wire.got for wire in wires[20:])
        assert log.asks == 2


async def test_nobody_is_asked_about_what_concerns_none_of_their_streams() -> None:
    log = FakeLog()
    async with feeding(log) as feed:
        wire = listen(feed, Wanted(DANA, "run-a"), await log.tail())
        everything = listen(feed, Wanted(), await log.tail())
        await feed.begun()
        log.append(run_id="run-b", seen_by=["user:dana"])
        await until(lambda: everything.got == ids(1))
        assert (wire.got, log.asks) == ([], 0)


async def test_a_run_is_told_from_its_start_to_its_end_and_no_further() -> None:
    log = FakeLog()
    for _ in range(10):
        log.append(run_id="run-a")
        log.append(run_id="run-b")
    async with feeding(log) as feed:
        wire = listen(feed, Wanted(run_id="run-a"))
        await until(lambda: len(wire.got) == 10)
        log.append("run.completed", "run-b")
        end = log.append("run.completed", "run-a")
        await until(lambda: wire.ended)
        assert wire.got[-1] == end.id
        late = listen(feed, Wanted(run_id="run-a", types=frozenset({"call.started"})))
        await until(lambda: late.ended)
        assert late.got == wire.got[:-1], "a filter hides the end, which ends the stream all the same"
        assert feed.streams == 0


async def test_a_slow_client_is_kept_no_queue_and_holds_up_nobody() -> None:
    log = FakeLog()
    async with feeding(log) as feed:
        slow, quick = listen(feed, Wanted(), room=1), listen(feed, Wanted())
        await feed.begun()
        for _ in range(20):
            log.append()
        await until(lambda: len(quick.got) == 20)
        assert slow.got == ids(1)
        reads = log.reads
        slow.makes_room()
        await until(lambda: slow.got == quick.got)
        assert log.reads > reads, "it was served behind the ring"


async def test_a_client_that_reads_nothing_for_long_is_let_go() -> None:
    log = FakeLog()
    async with feeding(log, Pace(heartbeat=0.02, patience=0.1, look=0.5)) as feed:
        stuck = listen(feed, Wanted(), room=1)
        await feed.begun()
        log.append()
        await until(lambda: stuck.dropped)
        assert feed.streams == 0


async def test_silence_is_broken_and_only_silence() -> None:
    log = FakeLog()
    async with feeding(log, Pace(heartbeat=0.1)) as feed:
        wire = listen(feed, Wanted())
        await until(lambda: wire.beats == 3)
        assert wire.got == []


async def test_when_the_ledger_is_down_streams_stay_and_miss_nothing() -> None:
    log = FakeLog()
    async with feeding(log) as feed:
        live, behind = listen(feed, Wanted(DANA)), listen(feed, Wanted(DANA), room=1)
        await feed.begun()
        log.append(seen_by=["user:dana"])
        await until(lambda: live.got == behind.got == ids(1))
        log.down = True
        for _ in range(6):
            log.append(seen_by=["user:dana"])
        behind.makes_room()
        await asyncio.sleep(0.02)
        assert live.got == behind.got == ids(1)
        log.down = False
        await until(lambda: live.got == behind.got == ids(1, 2, 3, 4, 5, 6, 7))


async def test_what_comes_while_somebody_catches_up_is_not_missed() -> None:
    log, taken, go_on = FakeLog(), asyncio.Event(), asyncio.Event()
    whole = log.events_after

    async def held(cursor: str | None, limit: int = 200, **filters: Any) -> list[Event]:
        page = await whole(cursor, limit, **filters)
        if cursor is None:
            taken.set()
            await go_on.wait()
        return page

    log.events_after = held
    log.append()
    async with feeding(log) as feed:
        live, late = listen(feed, Wanted(), cursor_of(1)), listen(feed, Wanted())
        await taken.wait()
        log.append()
        await until(lambda: live.got == ids(2))
        go_on.set()
        await until(lambda: late.got == ids(1, 2))


async def test_a_process_that_stops_ends_every_stream_and_opens_none() -> None:
    log, stopping = FakeLog(), asyncio.Event()
    feed = Feed(log, stopping, PACE)
    wires = [listen(feed, Wanted()), listen(feed, Wanted(), room=1)]
    await feed.begun()
    log.append()
    await until(lambda: all(wire.got for wire in wires))
    stopping.set()
    await until(lambda: wires[0].ended and wires[1].dropped)
    late = listen(feed, Wanted())
    assert late.ended
    assert feed.streams == 0
    await feed.idle()


async def test_nothing_follows_the_log_when_nobody_listens() -> None:
    log = FakeLog()
    async with feeding(log) as feed:
        wire = listen(feed, Wanted())
        await feed.begun()
        wire.leaves()
        await feed.idle()
        log.append()
        again = listen(feed, Wanted(), cursor_of(0))
        await until(lambda: again.got == ids(1))


async def test_an_event_that_cannot_be_read_ends_no_stream() -> None:
    log = FakeLog()
    async with feeding(log) as feed:
        wire = listen(feed, Wanted())
        await feed.begun()
        whole = log.events_after

        async def broken(*_: object, **__: object) -> list[object]:
            message = "a type of a later version"
            raise ValueError(message)

        log.events_after = broken  # pyright: ignore[reportAttributeAccessIssue]
        log.append()
        await asyncio.sleep(0.05)
        log.events_after = whole
        await until(lambda: wire.got == ids(1))


@dataclass
class Client:
    """Somebody who listens, loses the connection and comes back; what came over all connections."""

    wanted: Wanted
    start: str
    wire: FakeWire | None = None
    got: list[str] = field(default_factory=list[str])
    over: bool = False

    def connect(self, feed: Feed, room: int | None) -> None:
        if self.wire is None and not self.over:
            self.wire = listen(feed, self.wanted, self.got[-1] if self.got else self.start, room)

    def drop(self) -> None:
        if self.wire is not None:
            if not self.wire.ended:
                self.wire.leaves()
            self.collect()
            self.wire = None

    def collect(self) -> None:
        if self.wire is not None:
            assert not self.wire.misused
            self.got += self.wire.got
            self.wire.got = []
            self.over = self.over or self.wire.ended

    def is_owed(self, log: FakeLog) -> list[str]:
        """Everything that is theirs, by the log alone."""
        owed: list[str] = []
        for event in log.events:
            if event.id <= self.start:
                continue
            if self.wanted.shows(event) and log.sees(self.wanted.viewer, event):
                owed.append(event.id)
            if self.wanted.ends_with(event):
                break
        return owed


WANTED = st.builds(
    Wanted,
    viewer=st.sampled_from([None, DANA, OMAR]),
    run_id=st.sampled_from(RUNS),
    types=st.sets(st.sampled_from(TYPES)).map(frozenset),
)
ROOM = st.one_of(st.none(), st.integers(1, 4))
APPEND = st.tuples(
    st.just("append"),
    st.sampled_from(TYPES[:2]),
    st.sampled_from(RUNS),
    st.sets(st.sampled_from([DANA.user_id, OMAR.user_id])).map(frozenset),
    st.integers(1, 8),
)
PAUSE = st.tuples(st.just("pause"), st.integers(1, 12))
STEPS = st.one_of(
    APPEND,
    APPEND,
    PAUSE,
    PAUSE,
    st.tuples(st.just("end"), st.sampled_from(RUNS[:2])),
    st.tuples(st.just("new"), WANTED, ROOM, st.booleans()),
    st.tuples(st.just("drop"), st.integers(0, 5)),
    st.tuples(st.just("connect"), st.integers(0, 5), ROOM),
    st.tuples(st.just("room"), st.integers(0, 5), ROOM),
    st.tuples(st.just("down"), st.booleans()),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(STEPS, min_size=40, max_size=80), st.integers(0, 2**32))
def test_each_gets_each_event_that_is_theirs_once_and_in_order(steps: list[tuple[object, ...]], seed: int) -> None:
    asyncio.run(_play(steps, Random(seed)))  # noqa: S311 - no secret


async def _play(steps: list[tuple[object, ...]], lags: Random) -> None:
    log, clients, ended = FakeLog(lag=lambda: lags.randrange(5)), list[Client](), set[object]()
    async with feeding(log) as feed:
        for step in steps:
            await _take(step, log, feed, clients, ended)
        log.down = False
        for client in clients:
            client.connect(feed, None)
        await until(lambda: all(_has_all(client, log) for client in clients))
        for _ in range(10):
            await asyncio.sleep(0)
        for client in clients:
            client.collect()
            assert client.got == client.is_owed(log)


async def _take(step: tuple[object, ...], log: FakeLog, feed: Feed, clients: list[Client], ended: set[object]) -> None:
    match step:
        case ("append", str() as kind, run_id, seen_by, int() as count):
            # Nothing is appended to a run after its end.
            run = None if run_id in ended or run_id is None else str(run_id)
            for _ in range(count):
                log.append(
                    cast("EventType", kind), run, seen_by=[str(user) for user in cast("frozenset[object]", seen_by)]
                )
        case ("end", str() as run_id):
            if run_id not in ended:
                ended.add(run_id)
                log.append("run.completed", run_id, seen_by=[DANA.user_id, OMAR.user_id])
        case ("new", Wanted() as wanted, room, bool() as from_the_start):
            client = Client(wanted, "" if from_the_start or wanted.run_id else cursor_of(len(log.events)))
            clients.append(client)
            client.connect(feed, room if isinstance(room, int) else None)
        case ("down", bool() as down):
            log.down = down
        case ("pause", int() as turns):
            for _ in range(turns):
                await asyncio.sleep(0)
        case (str() as what, int() as number, *rest) if clients:
            _do(clients[number % len(clients)], what, rest[0] if rest else None, feed)
        case _:
            pass


def _do(client: Client, what: str, room: object, feed: Feed) -> None:
    if what == "drop":
        client.drop()
    elif what == "connect":
        client.connect(feed, room if isinstance(room, int) else None)
    elif client.wire is not None and not client.wire.ended:
        client.wire.makes_room(room if isinstance(room, int) else None)


def _has_all(client: Client, log: FakeLog) -> bool:
    if client.wire is not None and client.wire.full and not client.wire.ended:
        client.wire.makes_room()
    client.collect()
    return len(client.got) >= len(client.is_owed(log))
