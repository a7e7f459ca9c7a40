"""Where a graph stands at the end of a turn.

Revision ID: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Makes the column."""
    op.add_column("turns", sa.Column("checkpoint", sa.Text(), nullable=True))
