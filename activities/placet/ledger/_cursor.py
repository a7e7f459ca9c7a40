"""Opaque cursors: where a page ends, by its order, its sort key and its id."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime
from typing import Final, cast

from placet.ledger._tables import micros
from placet.ledger.errors import InvalidCursorError

_LARGEST_KEY: Final = 2**63


def encode(order: str, key: int | datetime, row_id: str) -> str:
    """Returns the cursor behind a row.

    Args:
        order: Names the order; the cursor is worth nothing in another one.
        key: The row's sort key.
        row_id: The row's id, which tells rows of one key apart.
    """
    number = micros(key) if isinstance(key, datetime) else key
    text = json.dumps([order, number, row_id])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(order: str, cursor: str) -> tuple[int, str]:
    """Returns the sort key and the id of the row that a cursor lies behind.

    Raises:
        InvalidCursorError: No list in this order has given this cursor.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        value: object = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise InvalidCursorError(cursor) from error
    parts = cast("list[object]", value) if isinstance(value, list) else []
    match parts:
        case [str() as given, int() as key, str() as row_id] if given == order and abs(key) < _LARGEST_KEY:
            return int(key), row_id
        case _:
            raise InvalidCursorError(cursor)
