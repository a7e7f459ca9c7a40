"""Threads with what clients say of them, the parts of runs that clients asked for, and what they were shown last.

Revision ID: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_OF_RUNS = """
INSERT INTO threads (id, owner, agent, metadata, created_at, updated_at)
SELECT thread_id, min(requester), min(agent), '{}', min(started_at), max(started_at) FROM runs GROUP BY thread_id
"""


def upgrade() -> None:
    """Makes the tables, and a row for each thread that has runs."""
    op.create_table(
        "threads",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("threads_by_update", "threads", ["updated_at", "id"], unique=False)
    op.create_index("threads_of_owner", "threads", ["owner", "updated_at", "id"], unique=False)
    op.create_table(
        "segments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("thread_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("segments_of_thread", "segments", ["thread_id", "began_at", "id"], unique=False)
    op.create_table(
        "shown",
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("thread_id", sa.Text(), nullable=False),
        sa.Column("interrupt_id", sa.Text(), nullable=False),
        sa.Column("approvals", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("reader", "thread_id"),
    )
    op.execute(_OF_RUNS)
