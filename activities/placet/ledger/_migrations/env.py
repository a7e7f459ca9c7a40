"""Runs migrations in the transaction that `placet.ledger` has opened and locked."""

from __future__ import annotations

from alembic import context

from placet.ledger._migrate import VERSION_TABLE
from placet.ledger._tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,
    version_table=VERSION_TABLE,
)
context.run_migrations()
