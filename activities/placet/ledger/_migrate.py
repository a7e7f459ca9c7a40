"""Brings a ledger's schema to this version."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from placet.ledger.errors import LedgerTooNewError, LedgerUnavailableError

_SCRIPTS: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 7118
_WAIT_SECONDS: Final = 30


def migrate(url: URL) -> None:
    """Runs the migrations that are missing; whoever comes second waits and finds nothing to do.

    Raises:
        LedgerTooNewError: A later version has migrated it.
        LedgerUnavailableError: The database cannot be used.
    """
    try:
        if url.get_backend_name() == "sqlite":
            _migrate_sqlite(url)
        else:
            _migrate_postgres(url)
    except DBAPIError as error:
        raise LedgerUnavailableError(str(error.orig)) from error
    except CommandError as error:
        if "locate revision" in str(error):
            raise LedgerTooNewError(str(error)) from error
        raise


def head() -> str | None:
    """Returns the revision of this version."""
    return ScriptDirectory(str(_SCRIPTS)).get_current_head()


def _migrate_sqlite(url: URL) -> None:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url.set(drivername="sqlite"),
        poolclass=NullPool,
        connect_args={"timeout": _WAIT_SECONDS, "isolation_level": None},
    )
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        _upgrade(connection)
        connection.exec_driver_sql("COMMIT")
        connection.commit()


def _migrate_postgres(url: URL) -> None:
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 3})
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        _upgrade(connection)


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
