"""The shop's database: customers, orders, refunds. Money is whole cents, everywhere."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Generator
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers ON DELETE CASCADE,
    item TEXT NOT NULL,
    total_cents INTEGER NOT NULL CHECK (total_cents > 0)
);
CREATE TABLE IF NOT EXISTS refunds (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id INTEGER NOT NULL REFERENCES orders ON DELETE CASCADE,
    amount_cents INTEGER NOT NULL CHECK (amount_cents > 0),
    reason TEXT NOT NULL,
    approved_by TEXT,
    idempotency_key TEXT NOT NULL UNIQUE
);
"""
STOCK = """
INSERT OR IGNORE INTO customers VALUES (1, 'Ada Lovelace', 'ada@example.com');
INSERT OR IGNORE INTO customers VALUES (2, 'Charles Babbage', 'charles@example.com');
INSERT OR IGNORE INTO orders VALUES (1001, 1, 'Teapot', 2500);
INSERT OR IGNORE INTO orders VALUES (1002, 1, 'Punched cards, 200', 1200);
INSERT OR IGNORE INTO orders VALUES (1003, 2, 'Brass gear', 9900);
"""


def shop_folder() -> Path:
    """Returns the folder of the shop: `$BILLING_SHOP`, or `shop` in Placet's data folder."""
    given = os.environ.get("BILLING_SHOP")
    return Path(given) if given else Path(os.environ.get("PLACET_DATA") or ".placet") / "shop"


@contextlib.contextmanager
def opened() -> Generator[sqlite3.Connection]:
    """Opens the shop for one transaction that no other writer can come between; at the first use it is made."""
    folder = shop_folder()
    folder.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(folder / "shop.db", timeout=10, isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN IMMEDIATE")
        _make(connection)
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.close()


def euros(cents: int) -> str:
    """Returns an amount as people write it; a float never comes near it."""
    return f"{cents // 100}.{cents % 100:02d} EUR"


def _make(connection: sqlite3.Connection) -> None:
    """Makes the tables and fills them, once: a customer who was deleted stays deleted."""
    if connection.execute("PRAGMA user_version").fetchone()[0]:
        return
    for statement in (SCHEMA + STOCK).split(";"):
        connection.execute(statement)
    connection.execute("PRAGMA user_version = 1")
