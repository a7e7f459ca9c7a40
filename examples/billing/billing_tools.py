"""The billing desk's tools: real rows in the shop's database, and letters as .eml files in its outbox.

They import nothing of Placet. What they may know of their call comes in the metadata of LangChain's RunnableConfig: a
key that is the same however often the same call is run, and who approved it.
"""

from __future__ import annotations

import hashlib
import sqlite3
import uuid
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Annotated, Any

from billing_shop import euros, opened, shop_folder
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from pydantic import Field

FIND = """
    SELECT o.id AS order_id, o.item, o.total_cents, COALESCE(SUM(r.amount_cents), 0) AS refunded_cents,
           c.name AS customer, c.email
    FROM orders o JOIN customers c ON c.id = o.customer_id LEFT JOIN refunds r ON r.order_id = o.id
    WHERE (:order_id IS NULL OR o.id = :order_id) AND (:customer IS NULL OR instr(lower(c.name), lower(:customer)))
    GROUP BY o.id ORDER BY o.id
"""
REFUND = "INSERT INTO refunds (order_id, amount_cents, reason, approved_by, idempotency_key) VALUES (?, ?, ?, ?, ?)"


def find_orders(order_id: int | None = None, customer: str | None = None) -> list[dict[str, Any]]:
    """Find orders by number, or by the customer's name or a part of it, with what was refunded already."""
    if order_id is None and not customer:
        message = "give an order's number or a customer's name"
        raise ValueError(message)
    with opened() as shop:
        return [dict(row) for row in shop.execute(FIND, {"order_id": order_id, "customer": customer})]


@tool
def refund(
    order_id: int,
    amount_cents: Annotated[int, Field(gt=0, description="In cents, at most what is left of the price")],
    reason: str,
    config: RunnableConfig,
) -> str:
    """Refund an order, or a part of its price. It cannot be taken back."""
    known = config.get("metadata", {})
    key = _key(config)
    with opened() as shop:
        done = shop.execute("SELECT * FROM refunds WHERE idempotency_key = ?", (key,)).fetchone()
        if done is None:
            left = _left(shop.execute(FIND, {"order_id": order_id, "customer": None}).fetchone(), order_id)
            if amount_cents > left:
                message = f"order {order_id} has {euros(left)} left to refund, not {euros(amount_cents)}"
                raise ValueError(message)
            shop.execute(REFUND, (order_id, amount_cents, reason, known.get("placet_approver"), key))
    return f"Refunded {euros(amount_cents)} on order {order_id}."


@tool
def send_email(to: str, subject: str, body: str, config: RunnableConfig) -> str:
    """Send an e-mail to a customer."""
    letter = EmailMessage()
    letter["From"] = "billing@shop.example"
    letter["To"] = to
    letter["Subject"] = subject
    letter["Date"] = format_datetime(datetime.now(UTC))
    letter["Message-ID"] = make_msgid(domain="shop.example")
    letter.set_content(body)
    outbox = shop_folder() / "outbox"
    outbox.mkdir(parents=True, exist_ok=True)
    path = outbox / f"{hashlib.sha256(_key(config).encode()).hexdigest()[:32]}.eml"
    if not path.exists():
        draft = path.with_suffix(f".{uuid.uuid4().hex}.draft")
        draft.write_bytes(letter.as_bytes())
        draft.replace(path)
    return f"Sent to {to} as {path.name}."


def delete_customer(customer: str) -> str:
    """Delete a customer, by name, with every order and refund of theirs."""
    with opened() as shop:
        if not shop.execute("DELETE FROM customers WHERE name = ?", (customer,)).rowcount:
            message = f"there is no customer {customer!r}"
            raise ValueError(message)
    return f"Deleted {customer}."


def _key(config: RunnableConfig) -> str:
    """Returns the call's key; run by hand, without Placet, each call is a new one."""
    return str(config.get("metadata", {}).get("placet_idempotency_key") or uuid.uuid4().hex)


def _left(order: sqlite3.Row | None, order_id: int) -> int:
    if order is None:
        message = f"there is no order {order_id}"
        raise ValueError(message)
    return order["total_cents"] - order["refunded_cents"]
