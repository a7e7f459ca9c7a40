"""Runs migrations in the transaction that `placet.ledger` has opened and locked."""

from __future__ import annotations

from alembic import context

from placet.ledger._tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,
    version_table="placet_ledger_version",
)
context.run_migrations()
