"""Brings a ledger's schema to this version."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from placet.ledger._locks import HOLD, SCHEMA
from placet.ledger.errors import LedgerTooNewError, LedgerUnavailableError

VERSION_TABLE: Final = "placet_ledger_version"
_SCRIPTS: Final = Path(__file__).parent / "_migrations"
_WAIT_SECONDS: Final = 30.0

_one_at_a_time: Final = threading.Lock()
"""Alembic keeps the migration that runs in a global of the process."""


def migrate(url: URL) -> None:
    """Runs the migrations that are missing; whoever comes second waits and finds nothing to do.

    All of them are one transaction: a process that dies in the middle leaves the schema as it was.

    Raises:
        LedgerTooNewError: A later version has migrated it.
        LedgerUnavailableError: The database cannot be used.
    """
    try:
        with _one_at_a_time:
            if url.get_backend_name() == "sqlite":
                _migrate_sqlite(url)
            else:
                _migrate_postgres(url)
    except DBAPIError as error:
        raise LedgerUnavailableError(str(error.orig)) from error
    except (OSError, sqlite3.Error) as error:
        raise LedgerUnavailableError(str(error)) from error


def _migrate_sqlite(url: URL) -> None:
    path = Path(url.database or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    _write_ahead(path)
    arguments = {"timeout": _WAIT_SECONDS, "isolation_level": None}
    engine = create_engine(url.set(drivername="sqlite"), poolclass=NullPool, connect_args=arguments)
    with engine.connect() as connection:
        # The driver begins no transaction before a change of the schema; here it is one with all of them.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        _upgrade(connection)
        connection.exec_driver_sql("COMMIT")


def _write_ahead(path: Path) -> None:
    """Lets readers and a writer work side by side; the file remembers it.

    SQLite does not wait here while another process does the same.
    """
    give_up = time.monotonic() + _WAIT_SECONDS
    connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
    try:
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                    raise
                time.sleep(0.05)
            else:
                return
    finally:
        connection.close()


def _migrate_postgres(url: URL) -> None:
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 3})
    with engine.begin() as connection:
        connection.execute(HOLD, {"key": SCHEMA})
        _upgrade(connection)


def _upgrade(connection: Connection) -> None:
    known = {script.revision for script in ScriptDirectory(str(_SCRIPTS)).walk_revisions()}
    options = {"version_table": VERSION_TABLE}
    current = MigrationContext.configure(connection, opts=options).get_current_revision()
    if current is not None and current not in known:
        raise LedgerTooNewError(current)
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
