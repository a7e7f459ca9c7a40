"""Indexes hold the rows that they are for, and the one that nobody reads is gone.

Revision ID: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Makes the indexes anew."""
    op.drop_index("events_of_approval", "events")
    _make_again("messages_of_call", "messages", ["run_id", "turn", "kept"], "call_index IS NOT NULL")
    _make_again("calls_of_approval", "calls", ["approval_id"], "approval_id IS NOT NULL")


def _make_again(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.drop_index(name, table)
    op.create_index(name, table, columns, unique=False, sqlite_where=where, postgresql_where=where)
