"""The tables. Rows of messages, turns and events are never changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    text,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
NEVER: Final = 2**62
"""Sorts behind every moment: what never expires comes last."""


class Moment(TypeDecorator[datetime]):
    """A time as microseconds since 1970 UTC: exact, and sorted alike by every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Returns what is stored."""
        del dialect
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Returns what was stored."""
        del dialect
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class Words(TypeDecorator[str]):
    """Text that both databases take: a NUL and halves of surrogate pairs become U+FFFD.

    What must survive to the letter is kept as `Json`; these columns are looked up and searched.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Returns what is stored and compared."""
        del dialect
        if value is None:
            return None
        return value.replace("\0", "\ufffd").encode(errors="replace").decode()


class Json(TypeDecorator[object]):
    """JSON as ASCII text: integers of any size, the order of keys and every character survive."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        """Returns what is stored."""
        del dialect
        return None if value is None else json.dumps(value, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ANN401 - it is JSON
        """Returns what was stored."""
        del dialect
        return None if value is None else json.loads(value)


def micros(value: datetime) -> int:
    """Returns microseconds since 1970 UTC."""
    return (value - _EPOCH) // timedelta(microseconds=1)


def _where(name: str, condition: str, *columns: str) -> Index:
    """Returns an index of the rows that it is for; the others take no room in it."""
    return Index(name, *columns, sqlite_where=text(condition), postgresql_where=text(condition))


metadata: Final = MetaData()

approvals: Final = Table(
    "approvals",
    metadata,
    Column("id", Words, primary_key=True),
    Column("status", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("tool", Words, nullable=False),
    Column("agent", Words),
    Column("risk", Words, nullable=False),
    Column("run_id", Words),
    Column("thread_id", Words),
    Column("turn", Integer),
    Column("call_index", Integer),
    Column("source_type", Words),
    Column("requester", Words),
    Column("requested_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("expires_order", BigInteger, nullable=False),
    Column("ended_at", Moment),
    Column("decision", Json),
    Column("says", Words),
    Column("search", Words, nullable=False),
    Column("asked", Json, nullable=False),
    Index("approvals_by_expiry", "status", "expires_order", "id"),
    Index("approvals_by_request", "status", "requested_at", "id"),
    Index("approvals_all_by_expiry", "expires_order", "id"),
    Index("approvals_all_by_request", "requested_at", "id"),
    Index("approvals_of_run", "run_id", "status"),
    Index("approvals_of_thread", "thread_id"),
)

approvers: Final = Table(
    "approvers",
    metadata,
    Column("approval_id", Words, primary_key=True),
    Column("name", Words, primary_key=True),
)

decisions: Final = Table(
    "decisions",
    metadata,
    Column("approval_id", Words, primary_key=True),
    Column("id", Words, primary_key=True),
    Column("state", Words, nullable=False),
    Column("fingerprint", Words, nullable=False),
    Column("code", Words),
    Column("proof", Json),
)

refusals: Final = Table(
    "refusals",
    metadata,
    Column("approval_id", Words, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("decision_id", Words, nullable=False),
    Column("code", Words, nullable=False),
    Column("by", Json, nullable=False),
    Column("at", Moment, nullable=False),
)

runs: Final = Table(
    "runs",
    metadata,
    Column("id", Words, primary_key=True),
    Column("agent", Words, nullable=False),
    Column("thread_id", Words, nullable=False),
    Column("status", Words, nullable=False),
    Column("requester", Words),
    Column("input_turn", Words),
    Column("head", Words),
    Column("results", Json, nullable=False),
    Column("input", Json),
    Column("output", Words),
    Column("error", Words),
    Column("metadata", Json),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("cancel_requested_at", Moment),
    Column("cancel_actor", Words),
    Column("workflow_id", Words),
    Column("workflow_run_id", Words),
    Index("runs_by_start", "started_at", "id"),
    Index("runs_by_status", "status", "started_at", "id"),
    Index("runs_of_thread", "thread_id", "started_at", "id"),
    Index("runs_of_requester", "requester", "started_at", "id"),
)

turns: Final = Table(
    "turns",
    metadata,
    Column("id", Words, primary_key=True),
    Column("run_id", Words, nullable=False),
    Column("thread_id", Words, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("parent_turn", Words),
    Column("results", Json, nullable=False),
    Column("messages", Json, nullable=False),
    Column("calls", Json, nullable=False),
    Column("checkpoint", Words),
)

states: Final = Table(
    "states",
    metadata,
    Column("run_id", Words, primary_key=True),
    Column("turn", Integer, nullable=False),
    Column("checkpoint", Words),
    Column("body", Json, nullable=False),
)

messages: Final = Table(
    "messages",
    metadata,
    Column("id", Words, primary_key=True),
    Column("run_id", Words, nullable=False),
    Column("turn", Integer),
    Column("call_index", Integer),
    Column("body", Json, nullable=False),
    Column("kept", Moment, nullable=False),
    _where("messages_of_call", "call_index IS NOT NULL", "run_id", "turn", "kept"),
)

calls: Final = Table(
    "calls",
    metadata,
    Column("run_id", Words, primary_key=True),
    Column("turn", Integer, primary_key=True),
    Column("call_index", Integer, primary_key=True),
    Column("release", Words, primary_key=True),
    Column("again", Integer, primary_key=True),
    Column("call_id", Words, nullable=False),
    Column("tool", Words, nullable=False),
    Column("digest", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("owner", Words),
    Column("attempt", Integer, nullable=False),
    Column("approval_id", Words),
    Column("message_id", Words),
    Column("late_result", Json),
    Column("started_at", Moment),
    Column("ended_at", Moment),
    _where("calls_of_approval", "approval_id IS NOT NULL", "approval_id"),
)

events: Final = Table(
    "events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("once", Words, unique=True),
    Column("type", Words, nullable=False),
    Column("at", Moment, nullable=False),
    Column("run_id", Words),
    Column("approval_id", Words),
    Column("call_id", Words),
    Column("actor", Words),
    Column("data", Json, nullable=False),
    Index("events_of_run", "run_id", "id"),
    sqlite_autoincrement=True,
)

blobs: Final = Table(
    "blobs",
    metadata,
    Column("ref", Words, primary_key=True),
    Column("body", Words, nullable=False),
)

keys: Final = Table(
    "idempotency_keys",
    metadata,
    Column("scope", Words, primary_key=True),
    Column("key", Words, primary_key=True),
    Column("fingerprint", Words, nullable=False),
    Column("target_id", Words, nullable=False),
)

agents: Final = Table(
    "agents",
    metadata,
    Column("name", Words, primary_key=True),
    Column("body", Json, nullable=False),
)

secrets: Final = Table(
    "secrets",
    metadata,
    Column("name", Words, primary_key=True),
    Column("value", Words, nullable=False),
)

sightings: Final = Table(
    "sightings",
    metadata,
    Column("kind", Words, primary_key=True),
    Column("id", Words, primary_key=True),
    Column("mark", Words, nullable=False),
    Column("seen", Moment, nullable=False),
)

namespaces: Final = Table(
    "namespaces",
    metadata,
    Column("id", Words, primary_key=True),
    Column("known", Moment, nullable=False),
)

sessions: Final = Table(
    "sessions",
    metadata,
    Column("id", Words, primary_key=True),
    Column("user", Words, nullable=False),
    Column("way", Words, nullable=False),
    Column("name", Words),
    Column("groups", Json, nullable=False),
    Column("roles", Json, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("authenticated_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("idle_end", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    Index("sessions_of_user", "user"),
    Index("sessions_by_end", "ends_at"),
)

revoked_keys: Final = Table(
    "revoked_keys",
    metadata,
    Column("digest", Words, primary_key=True),
    Column("user", Words, nullable=False),
    Column("by", Words, nullable=False),
    Column("at", Moment, nullable=False),
)

threads: Final = Table(
    "threads",
    metadata,
    Column("id", Words, primary_key=True),
    Column("owner", Words),
    Column("agent", Words),
    Column("metadata", Json, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("deleted_at", Moment),
    Index("threads_by_update", "updated_at", "id"),
    Index("threads_of_owner", "owner", "updated_at", "id"),
)

segments: Final = Table(
    "segments",
    metadata,
    Column("id", Words, primary_key=True),
    Column("thread_id", Words, nullable=False),
    Column("run_id", Words, nullable=False),
    Column("caller", Words, nullable=False),
    Column("metadata", Json, nullable=False),
    Column("began_at", Moment, nullable=False),
    Index("segments_of_thread", "thread_id", "began_at", "id"),
)

shown: Final = Table(
    "shown",
    metadata,
    Column("reader", Words, primary_key=True),
    Column("thread_id", Words, primary_key=True),
    Column("interrupt_id", Words, nullable=False),
    Column("approvals", Json, nullable=False),
)
