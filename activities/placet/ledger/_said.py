"""How a message is kept: without the fields that LangChain writes into every message and that say nothing.

They are the half of a short answer. A row says of itself that they are gone, so that a message which never had them
stays without; whoever reads the row without knowing of that still reads a message.
"""

from __future__ import annotations

import json
from copy import copy
from typing import Any, Final, cast

from sqlalchemy import Dialect, Text, TypeDecorator

BARE: Final = "bare"
"""The field of a row whose message had every empty field."""

_OF_ALL: Final[dict[str, Any]] = {"additional_kwargs": {}, "response_metadata": {}}
_EMPTY: Final[dict[str, dict[str, Any]]] = {
    "ai": {**_OF_ALL, "type": "ai", "name": None, "tool_calls": [], "invalid_tool_calls": [], "usage_metadata": None},
    "tool": {**_OF_ALL, "type": "tool", "artifact": None, "status": "success"},
    "human": {**_OF_ALL, "type": "human", "name": None},
    "system": {**_OF_ALL, "type": "system", "name": None},
}
"""What a message of each type says where nothing was said."""
_ORDER: Final = (
    *("content", "additional_kwargs", "response_metadata", "type", "name", "id"),
    *("tool_calls", "invalid_tool_calls", "usage_metadata", "tool_call_id", "artifact", "status"),
)
"""The order of LangChain's own fields."""


class Said(TypeDecorator[object]):
    """A message as JSON in ASCII, without what is empty; it is read as it was written."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        """Returns what is stored."""
        del dialect
        return None if value is None else json.dumps(bare(value), separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ANN401 - it is JSON
        """Returns what was stored."""
        del dialect
        return None if value is None else whole(json.loads(value))


def bare(message: object) -> object:
    """Returns a message without what is empty; as it is, where it would not be read again to the letter."""
    if not isinstance(message, dict):
        return message
    given = cast("dict[str, Any]", message)
    empty = _EMPTY.get(str(given.get("type")))
    data: object = given.get("data")
    if empty is None or list(given) != ["type", "data"] or not isinstance(data, dict):
        return given
    fields = cast("dict[str, Any]", data)
    kept = {name: value for name, value in fields.items() if not _is_empty(name, value, empty)}
    short = {"type": given["type"], BARE: True, "data": kept}
    again = cast("dict[str, Any]", whole(short))
    same = again == given and list(again["data"]) == list(fields)
    return short if same else given


def whole(stored: object) -> object:
    """Returns a message with everything that it had."""
    if not isinstance(stored, dict) or BARE not in stored:
        return cast("object", stored)
    given = cast("dict[str, Any]", stored)
    empty = _EMPTY.get(str(given.get("type")))
    if empty is None or not isinstance(given.get("data"), dict):
        return given
    full = {name: copy(value) for name, value in empty.items()} | given["data"]
    known = {name: full.pop(name) for name in _ORDER if name in full}
    return {"type": given["type"], "data": {**known, **full}}


def _is_empty(name: str, value: object, empty: dict[str, Any]) -> bool:
    return name in empty and type(value) is type(empty[name]) and value == empty[name]
