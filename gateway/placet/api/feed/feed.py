"""Live events for everybody who listens to this process.

One follower reads the log; what it reads lies in a ring that all streams are served from. A stream is a cursor and a
wire. Whoever is not served by the ring — because it does not reach back that far, or because their wire was full —
reads the ledger by their cursor until they meet the ring again: as ids come in order, nothing is lost and nothing
comes twice.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from placet.api.feed.frames import HEARTBEAT, frame_of
from placet.api.feed.ring import Batch, Ring
from placet.api.feed.stream import Stream, Wire
from placet.ledger import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Iterable, Sequence

    from placet.api.feed.frames import Wanted
    from placet.api.identity import Caller
    from placet.contracts.events import Event
    from placet.ledger import Viewer

AT_ONCE: Final = 2
"""Reads of the ledger for single streams at once: everybody else who needs it comes first."""

_log = structlog.stdlib.get_logger(__name__)


class EventLog(Protocol):
    """What the feed needs of the ledger."""

    async def tail(self) -> str:
        """Returns the cursor of the last event."""
        ...

    async def wait_for_events(self, cursor: str, timeout_seconds: float) -> bool:
        """Returns whether there are events behind the cursor, as soon as there are."""
        ...

    async def events_after(
        self,
        cursor: str | None,
        limit: int = 200,
        *,
        run_id: str | None = None,
        types: Sequence[str] | None = None,
        visible_to: Viewer | None = None,
    ) -> list[Event]:
        """Returns the next events behind a cursor."""
        ...

    async def events_seen(self, after: str, until: str, visible_to: Viewer) -> frozenset[str]:
        """Returns which of these events somebody may see."""
        ...


class Gone(Protocol):
    """Says who may not be here any more."""

    async def gone(self, callers: Iterable[Caller]) -> frozenset[Caller]:
        """Returns those of the callers."""
        ...


@dataclass(frozen=True)
class Pace:
    """How the feed keeps time.

    Attributes:
        heartbeat: Seconds of silence after which a comment is sent.
        patience: Seconds after which a client that reads nothing is let go.
        look: Seconds that one wait for news takes at most.
        after_an_error: Seconds until the ledger is tried again.
        page: Events of one read.
        check: Seconds between looks at who may still listen.
    """

    heartbeat: float = 10.0
    patience: float = 60.0
    look: float = 2.0
    after_an_error: float = 0.5
    page: int = 200
    check: float = 1.0


class Feed:
    """Passes the log on to streams, and to others in this process who listen; it rests while nobody does."""

    def __init__(
        self,
        log: EventLog,
        stopping: asyncio.Event,
        pace: Pace | None = None,
        ring: Ring | None = None,
        admission: Gone | None = None,
    ) -> None:
        self._log = log
        self._stopping = stopping
        self._pace = pace or Pace()
        self._ring = ring or Ring()
        self._admission = admission
        self._streams: set[Stream] = set()
        self._listeners: set[Callable[[Sequence[Event]], None]] = set()
        self._begun = asyncio.Event()
        self._reads = asyncio.Semaphore(AT_ONCE)
        self._lasting: dict[str, asyncio.Task[None]] = {}
        self._passing: set[asyncio.Task[None]] = set()

    @property
    def streams(self) -> int:
        """How many clients listen."""
        return len(self._streams)

    def open(self, wanted: Wanted, cursor: str, wire: Wire) -> Stream:
        """Begins to send what comes behind the cursor; the wire's owner tells the stream of room and of the end."""
        stream = Stream(self, wanted, cursor, wire, asyncio.get_running_loop().time())
        if self._stopping.is_set():
            self._end(stream)
            return stream
        self._streams.add(stream)
        self._keep("follower", self._follow)
        self._keep("pulse", self._pulse)
        self._keep("watch", self._watch)
        self.advance(stream)
        return stream

    @contextmanager
    def listening(self, listener: Callable[[Sequence[Event]], None]) -> Generator[None]:
        """Tells of every event that comes; `begun` says from when on."""
        self._listeners.add(listener)
        self._keep("follower", self._follow)
        try:
            yield
        finally:
            self._listeners.discard(listener)

    async def begun(self) -> None:
        """Returns once the follower knows where the log ends: what comes after that is passed on."""
        await self._begun.wait()

    async def idle(self) -> None:
        """Returns once nothing follows the log."""
        if "follower" in self._lasting:
            await asyncio.wait({self._lasting["follower"]})

    async def close(self) -> None:
        """Ends every stream and every task."""
        for stream in list(self._streams):
            self._end(stream)
        tasks = [*self._lasting.values(), *self._passing]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def let_go(self, stream: Stream) -> None:
        """Forgets a stream: its client has gone, or it has ended."""
        if stream in self._streams:
            self._streams.discard(stream)
            stream.ended = True
            seconds = asyncio.get_running_loop().time() - stream.opened_at
            _log.info(
                "stream_ended",
                request_id=stream.request_id,
                run_id=stream.wanted.run_id,
                events=stream.sent,
                seconds=round(seconds, 3),
            )

    def advance(self, stream: Stream) -> None:
        """Sends what the ring has for a stream; what it has not is read from the ledger, beside everybody else."""
        if stream.ended or stream.reading or stream.wire.full or self._ring.end is None:
            return
        frames = self._ring.behind(stream.cursor, stream.wanted)
        if frames is None:
            stream.reading = True
            self._spawn(self._catch_up(stream))
            return
        now = asyncio.get_running_loop().time()
        for frame in frames:
            if stream.wire.full:
                return
            stream.pass_on(frame, now)
            if stream.wanted.ends_with(frame):
                self._end(stream)
                return
        stream.cursor = max(stream.cursor, self._ring.end)

    async def _catch_up(self, stream: Stream) -> None:
        """Reads the ledger for one stream until it meets the ring; a full wire ends it, and room begins it anew."""
        try:
            while not stream.ended and not stream.wire.full:
                known = self._ring.end or ""
                events = await self._read(stream)
                if events is None:
                    await asyncio.sleep(self._pace.after_an_error)
                    continue
                if not self._pass_on_all(stream, events):
                    break
                if len(events) < self._pace.page:
                    # All that the ring knew before the read was in it, so what was not found there is not theirs.
                    stream.cursor = max(stream.cursor, known)
                    break
        finally:
            stream.reading = False
        self.advance(stream)

    async def _read(self, stream: Stream) -> list[Event] | None:
        """Returns the next page for one stream; None where the ledger cannot be read now."""
        wanted = stream.wanted
        try:
            async with self._reads:
                return await self._log.events_after(
                    stream.cursor or None,
                    self._pace.page,
                    run_id=wanted.run_id,
                    types=wanted.read_types,
                    visible_to=wanted.viewer,
                )
        except LedgerError as error:
            _log.warning("stream_not_read", error=str(error))
        except Exception:  # noqa: BLE001 - as in `_follow`
            _log.exception("stream_not_read")
        return None

    def _pass_on_all(self, stream: Stream, events: Sequence[Event]) -> bool:
        """Returns whether there may be more for the stream, now."""
        now = asyncio.get_running_loop().time()
        for event in events:
            if stream.ended or stream.wire.full:
                return False
            stream.pass_on(frame_of(event), now)
            if stream.wanted.ends_with(event):
                self._end(stream)
                return False
        return True

    async def _follow(self) -> None:
        while self._streams or self._listeners:
            try:
                await self._look()
            except LedgerError as error:
                _log.warning("log_not_followed", error=str(error))
                await asyncio.sleep(self._pace.after_an_error)
            except Exception:  # noqa: BLE001
                # One event that this version cannot read must not end the streams; another one may mend it.
                _log.exception("log_not_followed")
                await asyncio.sleep(self._pace.after_an_error)
        self._ring.begin(None)
        self._begun.clear()

    async def _look(self) -> None:
        if self._ring.end is None:
            self._ring.begin(await self._log.tail())
            self._begun.set()
            self._advance_all()
        end = self._ring.end or ""
        if not await self._log.wait_for_events(end, self._pace.look):
            return
        events = await self._log.events_after(end, self._pace.page)
        if events:
            batch = self._ring.append([frame_of(event) for event in events])
            for listener in list(self._listeners):
                listener(events)
            await self._hand_out(batch)

    async def _hand_out(self, batch: Batch) -> None:
        """Serves the streams; what each viewer may see of the batch is asked once, however many streams they have."""
        to_ask: dict[Viewer, list[Stream]] = {}
        for stream in list(self._streams):
            viewer = stream.wanted.viewer
            if viewer is None or not batch.concerns(stream.wanted):
                self.advance(stream)
            else:
                to_ask.setdefault(viewer, []).append(stream)
        for viewer, streams in to_ask.items():
            if not await self._ask(batch, viewer):
                # Without an answer each stream reads the ledger by itself, once it can be read again.
                self._advance_all()
                return
            for stream in streams:
                self.advance(stream)

    async def _ask(self, batch: Batch, viewer: Viewer) -> bool:
        try:
            batch.seen[viewer] = await self._log.events_seen(batch.after, batch.last, viewer)
        except LedgerError as error:
            _log.warning("log_not_followed", error=str(error))
            return False
        return True

    def _advance_all(self) -> None:
        for stream in list(self._streams):
            self.advance(stream)

    async def _pulse(self) -> None:
        """Breaks long silences, with one timer for all streams, and ends them when the process stops."""
        step = self._pace.heartbeat / 20
        while self._streams:
            try:
                async with asyncio.timeout(step):
                    await self._stopping.wait()
            except TimeoutError:
                self._beat(self._pace.heartbeat - step)
            else:
                for stream in list(self._streams):
                    self._end(stream, at_once=True)

    async def _watch(self) -> None:
        """Ends the streams of who may not be here any more: their key or session was revoked, or ran out."""
        while self._streams and self._admission is not None:
            await asyncio.sleep(self._pace.check)
            try:
                gone = await self._admission.gone({one.caller for one in self._streams if one.caller is not None})
            except LedgerError as error:
                _log.warning("admission_not_checked", error=str(error))
                continue
            for stream in [one for one in self._streams if one.caller in gone]:
                self._end(stream, at_once=True)

    def _beat(self, longest: float) -> None:
        now = asyncio.get_running_loop().time()
        for stream in list(self._streams):
            silent = now - stream.wrote_at
            if not stream.wire.full and silent > longest:
                stream.wire.write(HEARTBEAT)
                stream.wrote_at = now
            elif stream.wire.full and silent > self._pace.patience:
                self._end(stream, at_once=True)

    def _end(self, stream: Stream, *, at_once: bool = False) -> None:
        stream.ended = True
        if at_once and stream.wire.full:
            stream.wire.drop()
        else:
            stream.wire.end()
        self.let_go(stream)

    def _keep(self, name: str, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Sees to it that a lasting task runs."""
        task = self._lasting.get(name)
        if task is None or task.done():
            self._lasting[name] = self._task(work())

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._task(work)
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    def _task(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        # In a context of its own: it serves many requests, and logs in the name of none.
        return asyncio.get_running_loop().create_task(work, context=Context())
