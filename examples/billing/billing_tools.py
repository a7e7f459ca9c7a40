"""The billing desk's tools on a real shop: a SQLite database, and an outbox of .eml files.

The shop lies in `$BILLING_SHOP`, or in `shop/` below the data folder, and is made at the first use.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import uuid
from collections.abc import Generator
from email.message import EmailMessage
from pathlib import Path

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool

_SCHEMA = """
CREATE TABLE IF NOT EXISTS customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers,
    item TEXT NOT NULL,
    total_cents INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS refunds (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id INTEGER NOT NULL REFERENCES orders,
    amount_cents INTEGER NOT NULL CHECK (amount_cents > 0),
    reason TEXT NOT NULL,
    approved_by TEXT,
    idempotency_key TEXT NOT NULL UNIQUE
);
INSERT OR IGNORE INTO customers VALUES (1, 'Ada Lovelace', 'ada@example.com');
INSERT OR IGNORE INTO customers VALUES (2, 'Charles Babbage', 'charles@example.com');
INSERT OR IGNORE INTO orders VALUES (1001, 1, 'Teapot', 2500);
INSERT OR IGNORE INTO orders VALUES (1002, 1, 'Punched cards, 200', 1200);
INSERT OR IGNORE INTO orders VALUES (1003, 2, 'Brass gear', 9900);
"""


def shop_folder() -> Path:
    """Returns the folder of the shop's database and its outbox."""
    given = os.environ.get("BILLING_SHOP")
    return Path(given) if given else Path(os.environ.get("PLACET_DATA", ".placet")) / "shop"


def find_orders(customer: str) -> list[dict[str, str | int]]:
    """Find the orders of a customer by name, with what was refunded already."""
    query = """
        SELECT o.id, o.item, o.total_cents, COALESCE(SUM(r.amount_cents), 0)
        FROM orders o JOIN customers c ON c.id = o.customer_id LEFT JOIN refunds r ON r.order_id = o.id
        WHERE c.name LIKE '%' || ? || '%' GROUP BY o.id ORDER BY o.id
    """
    with _shop() as shop:
        rows = shop.execute(query, (customer,)).fetchall()
    names = ("order_id", "item", "total_cents", "refunded_cents")
    return [dict(zip(names, row, strict=True)) for row in rows]


@tool
def refund(order_id: int, amount_cents: int, reason: str, config: RunnableConfig) -> str:
    """Refund an order, in cents, up to what was paid. It cannot be taken back."""
    metadata = config.get("metadata", {})
    key = metadata.get("placet_idempotency_key") or uuid.uuid4().hex
    with _shop() as shop:
        left = _left_to_refund(shop, order_id)
        if amount_cents > left:
            message = f"order {order_id} has {left} cents left to refund"
            raise ValueError(message)
        shop.execute(
            "INSERT INTO refunds (order_id, amount_cents, reason, approved_by, idempotency_key) VALUES (?, ?, ?, ?, ?)",
            (order_id, amount_cents, reason, metadata.get("placet_approver"), key),
        )
    return f"Refunded {amount_cents / 100:.2f} on order {order_id}."


def send_email(to: str, subject: str, body: str) -> str:
    """Send an e-mail to a customer."""
    message = EmailMessage()
    message["From"] = "billing@shop.example"
    message["To"] = to
    message["Subject"] = subject
    message.set_content(body)
    outbox = shop_folder() / "outbox"
    outbox.mkdir(parents=True, exist_ok=True)
    path = outbox / f"{uuid.uuid4().hex}.eml"
    path.write_bytes(message.as_bytes())
    return f"Sent to {to} as {path.name}."


def delete_customer(customer: str) -> str:
    """Delete a customer and every order of theirs."""
    with _shop() as shop:
        shop.execute("DELETE FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE name = ?)", (customer,))
        shop.execute("DELETE FROM customers WHERE name = ?", (customer,))
    return f"Deleted {customer}."


def _left_to_refund(shop: sqlite3.Connection, order_id: int) -> int:
    row = shop.execute("SELECT total_cents FROM orders WHERE id = ?", (order_id,)).fetchone()
    if row is None:
        message = f"there is no order {order_id}"
        raise ValueError(message)
    refunded = "SELECT COALESCE(SUM(amount_cents), 0) FROM refunds WHERE order_id = ?"
    return row[0] - shop.execute(refunded, (order_id,)).fetchone()[0]


@contextlib.contextmanager
def _shop() -> Generator[sqlite3.Connection]:
    """Opens the shop in one transaction that no other writer can come between."""
    folder = shop_folder()
    folder.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(folder / "shop.db", timeout=10, isolation_level=None)
    try:
        connection.executescript(_SCHEMA)
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.close()
