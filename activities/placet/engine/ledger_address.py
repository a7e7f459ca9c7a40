"""Which database the ledger is: one rule for the settings, the ledger and `placet doctor`."""

from __future__ import annotations

from typing import Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}
_FORMS: Final = "write a path, sqlite:///path or postgresql://user@host/database"
_NO_FILE: Final = frozenset({None, "", ":memory:"})


def ledger_address(text: str) -> URL:
    """Returns the URL of the ledger's database, with the driver that is used here, whichever it names.

    Args:
        text: A path of SQLite, or a SQLAlchemy URL of SQLite or PostgreSQL, with or without a driver.

    Raises:
        ValueError: It is neither. What is said shows no password.
    """
    try:
        url = make_url(text if "://" in text else f"sqlite:///{text}")
    except (ArgumentError, ValueError) as error:  # the second for a port that is no number
        message = f"it cannot be read; {_FORMS}"
        raise ValueError(message) from error
    backend = url.get_backend_name()
    if backend not in _DRIVERS or (backend == "sqlite" and not _is_file(url)):
        message = f"the ledger is a file of SQLite, or PostgreSQL, not {url.render_as_string()}; {_FORMS}"
        raise ValueError(message)
    return url.set(drivername=_DRIVERS[backend])


def _is_file(url: URL) -> bool:
    return url.database not in _NO_FILE and not (url.host or url.port or url.username or url.password)
