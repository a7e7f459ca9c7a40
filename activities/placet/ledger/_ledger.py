"""The façade: every question and every write, each one line away from the module that knows."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import select

from placet.contracts.approvals import Approval, Asked
from placet.contracts.calls import Args, Source
from placet.contracts.canonical import canonical_text, digest, parse_object
from placet.contracts.decisions import Decision
from placet.contracts.events import Event, TurnCompleted
from placet.contracts.records import Entry
from placet.contracts.runs import CallRef, CloseInput, Run
from placet.ledger import _approval_lists as approval_lists
from placet.ledger import _approval_views as approval_views
from placet.ledger import _approvals as approvals
from placet.ledger import _calls as calls
from placet.ledger import _events as events
from placet.ledger import _keeping as keeping
from placet.ledger import _run_views as run_views
from placet.ledger import _runs as runs
from placet.ledger import _transcripts as transcripts
from placet.ledger._access import Access
from placet.ledger._calls import CallEnding, Claim
from placet.ledger._database import Database
from placet.ledger._figures import Figures
from placet.ledger._graphs import Graphs
from placet.ledger._migrate import migrate
from placet.ledger._repairs import Repairs
from placet.ledger._shapes import (
    AgentRow,
    ApprovalQuery,
    CallClaim,
    CallEnd,
    Judged,
    KeyClaim,
    MessageDict,
    Page,
    RunQuery,
    RunRow,
    StoredDecision,
    ThreadHead,
    TurnRow,
    Viewer,
)
from placet.ledger._tables import secrets
from placet.ledger._threads import Threads
from placet.ledger._waking import Waking


class Ledger:
    """The database of record.

    Every method ends within about five seconds and raises `LedgerUnavailableError` where the database
    cannot be used; every write may then be repeated, and counts once.

    Attributes:
        url: Its database's.
        repairs: What only the reconciler reads and writes.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.url: Final = database.url
        self.figures: Final = Figures(database)
        self.access: Final = Access(database)
        self.graphs: Final = Graphs(database)
        self.threads: Final = Threads(database)
        self._waking = Waking(database.url)
        self._seal_key: bytes | None = None
        self.repairs = Repairs(database)

    @staticmethod
    def at(url: str) -> Ledger:
        """Returns the ledger at a URL; nothing is opened yet.

        Args:
            url: The path of a SQLite file, or a URL of SQLite or PostgreSQL, with or without a driver.

        Raises:
            LedgerError: It names another kind of database.
        """
        return Ledger(Database(url))

    async def migrate(self) -> None:
        """Brings the schema to this version, also where several processes do so at once.

        Raises:
            LedgerTooNewError: A later version has migrated it.
        """
        await asyncio.to_thread(migrate, self._database.url)

    async def close(self) -> None:
        """Lets go of every connection."""
        await self._waking.close()
        await self._database.close()

    async def ping(self) -> None:
        """Returns where the ledger can be read and has a schema.

        Raises:
            LedgerUnavailableError: It cannot.
        """
        async with self._database.read() as connection:
            await connection.execute(select(secrets.c.name).limit(1))

    async def seal_key(self) -> bytes:
        """Returns the 32 random bytes of this ledger, made at the first call ever."""
        if self._seal_key is None:
            async with self._database.write() as connection:
                self._seal_key = await keeping.seal_key(connection)
        return self._seal_key

    async def claim_key(self, scope: str, key: str, fingerprint: str, target_id: str) -> KeyClaim:
        """Returns what an idempotency key stands for: whoever comes first decides.

        Args:
            scope: Of what and whose the key is, as `runs user:dana`.
            key: As it was sent.
            fingerprint: Of the request's body.
            target_id: What the request will make, should it be the first.
        """
        async with self._database.write() as connection:
            return await keeping.claim_key(connection, scope, key, fingerprint, target_id)

    # --- approvals

    async def record(self, asked: Asked, first: int, entries: Sequence[Entry]) -> None:
        """Writes entries of an approval, each once, with their events, in one transaction.

        An entry already written under its number is skipped, and so is an end where there is one. Where
        the row is not there it is made from `asked`, with its `requested` entry.

        Args:
            asked: The approval.
            first: The number of the first entry; the others follow. `requested` is number 0.
            entries: In order.
        """
        async with self._database.write() as connection:
            await approvals.record(connection, asked, first, entries)

    async def note_recorded(self, approval_id: str, decision: Decision) -> None:
        """Notes that a decision was answered 202; what became of it meanwhile stays."""
        async with self._database.write() as connection:
            await approvals.note_recorded(connection, approval_id, decision)

    async def stored_decision(self, approval_id: str, decision_id: str) -> StoredDecision | None:
        """Returns what became of a decision; None where the ledger has not heard of it."""
        async with self._database.read() as connection:
            return await approval_views.stored_decision(connection, approval_id, decision_id)

    async def decision_on_its_way(self, approval_id: str) -> bool:
        """Returns whether a pending approval has a decision that was answered 202."""
        async with self._database.read() as connection:
            return await approval_views.on_its_way(connection, approval_id)

    async def asked(self, approval_id: str) -> Asked | None:
        """Returns the approval as it was asked; long arguments stay a reference (see `args_text`)."""
        async with self._database.read() as connection:
            return await approval_views.asked(connection, approval_id)

    async def args_text(self, approval_id: str) -> str | None:
        """Returns the canonical arguments of an approval, wherever they lie."""
        asked = await self.asked(approval_id)
        if asked is None:
            return None
        return asked.args.text if asked.args.text is not None else await self.get_args(asked.args.ref or "")

    async def approval(self, approval_id: str, now: datetime, visible_to: Viewer | None = None) -> Approval | None:
        """Returns the approval as it is seen at `now`; None where it is not there or not visible."""
        async with self._database.read() as connection:
            return await approval_views.one(connection, approval_id, now, visible_to)

    async def approvals(self, query: ApprovalQuery, now: datetime) -> Page[Approval]:
        """Returns one page of approvals as they are seen at `now`.

        Raises:
            InvalidCursorError: The cursor is not of this list.
        """
        async with self._database.read() as connection:
            return await approval_lists.page(connection, query, now)

    async def count_approvals(self, query: ApprovalQuery, now: datetime) -> int:
        """Returns how many approvals the query finds in all; its sort, limit and cursor count for nothing."""
        async with self._database.read() as connection:
            return await approval_lists.count(connection, query, now)

    # --- texts by reference

    async def put_args(self, tool: str, args_text: str) -> str:
        """Keeps canonical arguments and returns their reference, the digest of the call."""
        ref = digest(tool, args_text)
        async with self._database.write() as connection:
            await keeping.put_text(connection, ref, args_text)
        return ref

    async def get_args(self, ref: str) -> str:
        """Returns the canonical arguments of a reference.

        Raises:
            UnknownTextError: Nobody has put them there.
        """
        async with self._database.read() as connection:
            return await keeping.get_text(connection, ref)

    async def put_schema(self, schema: Mapping[str, Any]) -> str:
        """Keeps a JSON Schema and returns its reference, the SHA-256 of its canonical text."""
        text = canonical_text(schema)
        ref = "schema:" + hashlib.sha256(text.encode()).hexdigest()
        async with self._database.write() as connection:
            await keeping.put_text(connection, ref, text)
        return ref

    async def get_schema(self, ref: str) -> dict[str, Any]:
        """Returns the JSON Schema of a reference.

        Raises:
            UnknownTextError: Nobody has put it there.
        """
        async with self._database.read() as connection:
            return parse_object(await keeping.get_text(connection, ref))

    # --- messages and turns

    async def put_message(
        self, message_id: str, run_id: str, message: MessageDict, answers: CallRef | None = None
    ) -> None:
        """Keeps a message for ever, with the call that it answers; a second one under the same id changes nothing."""
        async with self._database.write() as connection:
            await transcripts.put_message(connection, message_id, run_id, message, answers)

    async def messages(self, ids: Sequence[str]) -> list[MessageDict]:
        """Returns messages in the order of the ids; an id that is not there has none."""
        async with self._database.read() as connection:
            return await transcripts.by_ids(connection, ids)

    async def put_turn(
        self,
        turn: TurnRow,
        messages: Mapping[str, MessageDict] | None = None,
        completed: TurnCompleted | None = None,
        judged: Sequence[Judged] = (),
    ) -> None:
        """Keeps a turn, with messages of its own, and makes it its run's head, in one transaction.

        Args:
            turn: The row; a second one under the same id changes nothing.
            messages: By id, kept with it.
            completed: Appends `turn.completed`, unless the run has ended.
            judged: What policy said of its calls and needs nobody, each once.
        """
        async with self._database.write() as connection:
            await transcripts.put_turn(connection, turn, messages or {}, completed, now := datetime.now(UTC))
            await calls.judged(connection, turn.run_id, None, judged, now)

    async def turn(self, turn_id: str) -> TurnRow | None:
        """Returns a turn row."""
        async with self._database.read() as connection:
            return await transcripts.turn(connection, turn_id)

    async def transcript(self, turn_id: str, behind: str | None = None) -> list[MessageDict]:
        """Returns the messages to the turn, from the root or from behind another turn, which is not the same.

        Of each turn come the results that it goes on from, then its own messages.

        Raises:
            UnknownTurnError: The turn, or one before it, is not there, or what it should be behind is not before it.
        """
        async with self._database.read() as connection:
            return await transcripts.transcript(connection, turn_id, behind)

    async def thread_head(self, thread_id: str) -> ThreadHead:
        """Returns where the thread's next run goes on from."""
        async with self._database.read() as connection:
            return await transcripts.thread_head(connection, thread_id)

    # --- runs

    async def open_run(self, run: RunRow) -> None:
        """Writes a run's row and `run.started`, once; fields that the row lacks are filled in."""
        async with self._database.write() as connection:
            await runs.open_run(connection, run)

    async def request_cancel(self, run_id: str, actor: str, reason: str | None, at: datetime) -> None:
        """Notes once that somebody wants the run to stop; a run that has ended stays as it is."""
        async with self._database.write() as connection:
            await runs.request_cancel(connection, run_id, actor, reason, at)

    async def close_run(
        self,
        close: CloseInput,
        output: str | None = None,
        at: datetime | None = None,
        *,
        execution: str | None = None,
    ) -> None:
        """Writes a run's end and its last event; a run that has ended stays as it is.

        Args:
            close: The end.
            output: The text that the run ends with; by default that of the message which `close` names.
            at: When; now where it is absent.
            execution: Which of Temporal's runs ended it: after a new history, or a reset, it is not the first.
        """
        async with self._database.write() as connection:
            await runs.close_run(connection, close, output, at or datetime.now(UTC), execution)

    async def run(self, run_id: str, now: datetime, visible_to: Viewer | None = None) -> Run | None:
        """Returns the run as it is seen at `now`, with what it waits for."""
        async with self._database.read() as connection:
            return await run_views.one(connection, run_id, now, visible_to)

    async def runs(self, query: RunQuery, now: datetime) -> Page[Run]:
        """Returns one page of runs, the newest first.

        Raises:
            InvalidCursorError: The cursor is not of this list.
        """
        async with self._database.read() as connection:
            return await run_views.page(connection, query, now)

    async def run_messages(self, run_id: str) -> list[MessageDict]:
        """Returns the transcript to the run's head, with the results that are known so far."""
        async with self._database.read() as connection:
            return await run_views.run_messages(connection, run_id)

    # --- calls

    async def allow_or_deny(self, run_id: str | None, source: Source | None, entries: Sequence[Judged]) -> None:
        """Appends verdicts that need nobody, in one transaction, each once.

        Args:
            run_id: The run of ours; None for another workflow's calls.
            source: The other workflow.
            entries: The verdicts; asks are no events of their own.
        """
        async with self._database.write() as connection:
            await calls.judged(connection, run_id, source, entries, datetime.now(UTC))

    async def call_started(self, call: CallRef, again: int) -> bool:
        """Returns whether the call's row is there."""
        async with self._database.read() as connection:
            return await calls.started(connection, call, again)

    async def start_call(
        self, call: CallRef, args: Args, again: int, *, owner: str, approval_id: str | None, idempotent: bool
    ) -> CallClaim:
        """Inserts the one row of a call with `call.started`, or tells what became of the one that is there.

        Args:
            call: Which call.
            args: What runs.
            again: How often a person said "run it again".
            owner: Names the attempt; the same owner asking twice has the row.
            approval_id: What lets it run.
            idempotent: Whether the row of an earlier attempt may be taken over.

        Raises:
            RunEndedError: The run has ended.
        """
        claim = Claim(call, args.digest, again, owner, approval_id, idempotent=idempotent)
        async with self._database.write() as connection:
            return await calls.start(connection, claim, datetime.now(UTC))

    async def refuse_call(
        self,
        call: CallRef,
        args: Args,
        again: int,
        message_id: str,
        message: MessageDict,
        approval_id: str | None = None,
    ) -> CallClaim:
        """Writes that a call was refused at the door, unless its row is there; returns what stands."""
        claim = Claim(call, args.digest, again, "", approval_id)
        async with self._database.write() as connection:
            return await calls.refuse(connection, claim, message_id, message, datetime.now(UTC))

    async def finish_call(
        self,
        call: CallRef,
        again: int,
        owner: str,
        *,
        status: CallEnd,
        message_id: str,
        message: MessageDict,
    ) -> bool:
        """Writes a call's result with `call.finished`, if the row is still the owner's.

        Args:
            call: Which call.
            again: As for `start_call`.
            owner: As for `start_call`.
            status: How it went.
            message_id: The result's row.
            message: The result.

        Returns:
            Whether it counts. Where the row is another's by now, or uncertain, the result is kept as evidence,
            which the question about the call shows, and nothing is appended.
        """
        ending = CallEnding(status, message_id, message)
        async with self._database.write() as connection:
            return await calls.finish(connection, Claim(call, "", again, owner), ending, datetime.now(UTC))

    async def settle_call(self, call: CallRef, message_id: str, message: MessageDict, *, ran: bool = False) -> None:
        """Keeps the message of a call that did not run here.

        Args:
            call: Which call.
            message_id: The message's row.
            message: What the model reads.
            ran: A person said that the uncertain call had run: it is finished then.
        """
        async with self._database.write() as connection:
            await calls.settle(connection, call, message_id, message, ran=ran, at=datetime.now(UTC))

    async def mark_uncertain(self, call: CallRef, again: int) -> None:
        """Writes once that nobody knows whether the call ran."""
        async with self._database.write() as connection:
            await calls.give_up(connection, call, again, datetime.now(UTC))

    # --- events

    async def events_after(
        self,
        cursor: str | None,
        limit: int = 200,
        *,
        run_id: str | None = None,
        types: Sequence[str] | None = None,
        visible_to: Viewer | None = None,
    ) -> list[Event]:
        """Returns the next events of the log; the `id` of the last is the next cursor.

        Args:
            cursor: The id of the last event that was seen; None begins at the first.
            limit: How many at most.
            run_id: Only this run's.
            types: Only these.
            visible_to: Only what they may see.

        Raises:
            InvalidCursorError: It is no event's id.
        """
        async with self._database.read() as connection:
            return await events.read(connection, cursor, limit, run_id=run_id, types=types or (), viewer=visible_to)

    async def tail(self) -> str:
        """Returns the cursor after which everything is still to come."""
        async with self._database.read() as connection:
            return await events.tail(connection)

    async def position(self, cursor: str | None) -> str:
        """Returns the cursor to go on from: the one that is given, or the tail.

        Raises:
            InvalidCursorError: This log has not given it.
        """
        async with self._database.read() as connection:
            return await events.position(connection, cursor)

    async def events_seen(self, after: str, until: str, visible_to: Viewer) -> frozenset[str]:
        """Returns the ids of the events behind `after`, up to `until`, that somebody may see."""
        async with self._database.read() as connection:
            return await events.seen_between(connection, after, until, visible_to)

    async def wait_for_events(self, cursor: str, timeout_seconds: float) -> bool:
        """Returns True as soon as there is an event after the cursor, False at the timeout."""
        give_up = time.monotonic() + timeout_seconds
        while True:
            news = self._waking.news()
            if await self.tail() > cursor:
                return True
            left = give_up - time.monotonic()
            if left <= 0:
                return False
            await self._waking.wait(news, left)

    # --- agents

    async def put_agents(self, agents: Sequence[AgentRow]) -> None:
        """Publishes the agents in place of those that were published before."""
        async with self._database.write() as connection:
            await keeping.put_agents(connection, agents)

    async def agents(self) -> list[AgentRow]:
        """Returns the agents as a worker last published them, by name."""
        async with self._database.read() as connection:
            return await keeping.agents(connection)
