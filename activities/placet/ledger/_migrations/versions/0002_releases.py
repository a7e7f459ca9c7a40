"""A call's row belongs to what released it: after a reset the same place of a run may hold another call.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_KEPT = (
    "run_id, turn, call_index, again, call_id, tool, digest, state, owner, attempt, approval_id, message_id,"
    " late_result, started_at, ended_at"
)


def upgrade() -> None:
    """Makes the table anew: SQLite cannot change a primary key."""
    op.drop_index("calls_of_approval", "calls")
    op.rename_table("calls", "calls_before")
    op.create_table(
        "calls",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("call_index", sa.Integer(), nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("again", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("approval_id", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("late_result", sa.Text(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "turn", "call_index", "release", "again", name="calls_by_release"),
    )
    op.execute(f"INSERT INTO calls ({_KEPT}, release) SELECT {_KEPT}, '' FROM calls_before")  # noqa: S608 - no input
    op.drop_table("calls_before")
    op.create_index("calls_of_approval", "calls", ["approval_id"], unique=False)
