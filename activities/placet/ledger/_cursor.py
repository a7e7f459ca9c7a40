"""Opaque cursors: where a page ends, by its sort key and its id."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import cast

from placet.ledger.errors import InvalidCursorError


@dataclass(frozen=True)
class Position:
    """The value that a page is sorted by, and the id, of its last row."""

    key: int
    id: str


def encode(position: Position) -> str:
    """Returns the opaque cursor of a position."""
    text = json.dumps([position.key, position.id])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str) -> Position:
    """Returns the position of a cursor.

    Raises:
        InvalidCursorError: No list has given this cursor.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        value: object = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise InvalidCursorError(cursor) from error
    parts = cast("list[object]", value) if isinstance(value, list) else []
    match parts:
        case [int() as key, str() as row_id] if not isinstance(key, bool) and abs(key) < 2**63:
            return Position(key, row_id)
        case _:
            raise InvalidCursorError(cursor)
