"""The tables. Rows of messages, turns and events are never changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import JsonValue
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
)

from placet.contracts.canonical import canonical_text, parse_json

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


class Json(TypeDecorator[JsonValue]):
    """JSON as canonical text, so that integers of any size survive every database."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: JsonValue, dialect: Dialect) -> str | None:
        """Returns what is stored."""
        del dialect
        return None if value is None else canonical_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> JsonValue:
        """Returns what was stored."""
        del dialect
        return None if value is None else parse_json(value)


def micros(value: datetime) -> int:
    """Returns microseconds since 1970 UTC."""
    return (value - _EPOCH) // timedelta(microseconds=1)


metadata: Final = MetaData()

approvals: Final = Table(
    "approvals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("tool", Text, nullable=False),
    Column("agent", Text),
    Column("risk", Text, nullable=False),
    Column("run_id", Text),
    Column("thread_id", Text),
    Column("turn", Integer),
    Column("call_index", Integer),
    Column("source_type", Text),
    Column("requester", Text),
    Column("requested_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("expires_order", BigInteger, nullable=False),
    Column("ended_at", Moment),
    Column("on_its_way", Integer, nullable=False),
    Column("decision", Json),
    Column("says", Text),
    Column("search", Text, nullable=False),
    Column("asked", Json, nullable=False),
    Index("approvals_by_expiry", "status", "expires_order", "id"),
    Index("approvals_by_request", "status", "requested_at", "id"),
    Index("approvals_all_by_expiry", "expires_order", "id"),
    Index("approvals_all_by_request", "requested_at", "id"),
    Index("approvals_of_run", "run_id", "status"),
)

approvers: Final = Table(
    "approvers",
    metadata,
    Column("approval_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Index("approvers_by_name", "name", "approval_id"),
)

decisions: Final = Table(
    "decisions",
    metadata,
    Column("approval_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("code", Text),
    Column("by", Json, nullable=False),
    Column("at", Moment, nullable=False),
    Index("decisions_in_order", "approval_id", "at"),
)

runs: Final = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("agent", Text, nullable=False),
    Column("thread_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("requester", Text),
    Column("input_turn", Text),
    Column("head", Text),
    Column("results", Json, nullable=False),
    Column("input", Json),
    Column("output", Text),
    Column("error", Text),
    Column("metadata", Json),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("cancel_requested_at", Moment),
    Column("workflow_run_id", Text),
    Index("runs_by_start", "started_at", "id"),
    Index("runs_of_thread", "thread_id", "started_at"),
)

turns: Final = Table(
    "turns",
    metadata,
    Column("id", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("thread_id", Text, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("parent_turn", Text),
    Column("results", Json, nullable=False),
    Column("messages", Json, nullable=False),
    Column("calls", Json, nullable=False),
)

messages: Final = Table(
    "messages",
    metadata,
    Column("id", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("turn", Integer),
    Column("call_index", Integer),
    Column("body", Json, nullable=False),
    Column("kept", Moment, nullable=False),
    Index("messages_of_call", "run_id", "turn", "kept"),
)

calls: Final = Table(
    "calls",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("turn", Integer, primary_key=True),
    Column("call_index", Integer, primary_key=True),
    Column("again", Integer, primary_key=True),
    Column("call_id", Text, nullable=False),
    Column("tool", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("owner", Text),
    Column("approval_id", Text),
    Column("message_id", Text),
    Column("late_result", Json),
    Column("started_at", Moment),
    Column("ended_at", Moment),
    Index("calls_of_approval", "approval_id"),
)

events: Final = Table(
    "events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("once", Text, unique=True),
    Column("type", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("run_id", Text),
    Column("approval_id", Text),
    Column("call_id", Text),
    Column("actor", Text),
    Column("data", Json, nullable=False),
    Index("events_of_run", "run_id", "id"),
    Index("events_of_approval", "approval_id", "id"),
    sqlite_autoincrement=True,
)

blobs: Final = Table(
    "blobs",
    metadata,
    Column("ref", Text, primary_key=True),
    Column("body", Text, nullable=False),
)

keys: Final = Table(
    "idempotency_keys",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("target_id", Text, nullable=False),
)

agents: Final = Table(
    "agents",
    metadata,
    Column("name", Text, primary_key=True),
    Column("body", Json, nullable=False),
)

secrets: Final = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
