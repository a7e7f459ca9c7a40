"""How a message is kept: without the fields that LangChain writes into every message and that say nothing.

They are the half of a short answer. A row says of itself that they are gone, so that a message which never had them
stays without; whoever reads the row without knowing of that still reads a message.
"""

from __future__ import annotations

from typing import Any, Final, cast

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


def bare(message: object, message_id: str) -> object:
    """Returns a message as its row keeps it: without what is empty, and without the id, which is the row's.

    Where it would not be read again to the letter it is kept as it is.
    """
    if not isinstance(message, dict):
        return message
    given = cast("dict[str, Any]", message)
    empty = _EMPTY.get(str(given.get("type")))
    data: object = given.get("data")
    if empty is None or list(given) != ["type", "data"] or not isinstance(data, dict):
        return given
    fields = cast("dict[str, Any]", data)
    said = empty | {"id": message_id}
    kept = {name: value for name, value in fields.items() if not _is_empty(name, value, said)}
    short = {"type": given["type"], BARE: True, "data": kept}
    again = cast("dict[str, Any]", whole(short, message_id))
    same = again == given and list(again["data"]) == list(fields)
    return short if same else given


def whole(stored: object, message_id: str) -> object:
    """Returns a message with everything that it had when it was kept under that id."""
    if not isinstance(stored, dict) or BARE not in stored:
        return cast("object", stored)
    given = cast("dict[str, Any]", stored)
    empty = _EMPTY.get(str(given.get("type")))
    if empty is None or not isinstance(given.get("data"), dict):
        return given
    full = {name: _own(value) for name, value in empty.items()} | {"id": message_id} | given["data"]
    known = {name: full.pop(name) for name in _ORDER if name in full}
    return {"type": given["type"], "data": {**known, **full}}


def _own(value: Any) -> Any:  # noqa: ANN401 - any default
    """Returns a default that nobody else holds; a long transcript wants thousands of them."""
    return cast("Any", value).copy() if isinstance(value, dict | list) else value


def _is_empty(name: str, value: object, empty: dict[str, Any]) -> bool:
    return name in empty and type(value) is type(empty[name]) and value == empty[name]
