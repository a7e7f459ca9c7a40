"""What a tool gives back, as the content of a message."""

from __future__ import annotations

from typing import Any, Final, cast

from langchain_core.messages import ToolMessage
from langchain_core.tools import ToolException
from pydantic_core import to_json, to_jsonable_python

Content = str | list[str | dict[str, Any]]
"""What a message says: text, or LangChain content blocks."""

_BLOCKS: Final[dict[str, frozenset[str]]] = {
    "text": frozenset({"text"}),
    "image_url": frozenset({"image_url"}),
    "image": frozenset({"base64", "data", "file_id", "source", "url"}),
    "audio": frozenset({"base64", "data", "file_id", "url"}),
    "file": frozenset({"base64", "data", "file", "file_id", "url"}),
}
"""Kinds of content blocks, and what one of them carries: a row whose `type` is `file` is no block."""


def content_of(result: object) -> Content:
    """Returns a result as text or content blocks; what is neither becomes JSON.

    It never raises: the tool has run, and a result that cannot be written down must not look like a failure.
    """
    if isinstance(result, str):
        return _storable(result)
    try:
        if _are_blocks(result):
            return cast(
                "Content", to_jsonable_python(result, bytes_mode="base64", fallback=str, inf_nan_mode="strings")
            )
        return to_json(result, fallback=str, inf_nan_mode="strings").decode()
    except Exception:  # noqa: BLE001 - the tool's objects may raise anything when they are looked at
        return _storable(_described(result))


def content_of_message(message: object) -> Content:
    """Returns the content of what a LangChain tool answered with.

    Raises:
        ToolException: The tool says that it failed.
    """
    if not isinstance(message, ToolMessage):
        return content_of(message)
    content: object = message.content
    if message.status == "error":
        told = content_of(content)
        raise ToolException(told if isinstance(told, str) else message.text)
    return content_of(content)


def _are_blocks(result: object) -> bool:
    """Returns whether a result is content blocks, among them perhaps texts; a list of texts alone is a list."""
    if not isinstance(result, list):
        return False
    items = cast("list[object]", result)
    blocks = [item for item in items if _is_block(item)]
    return bool(blocks) and all(isinstance(item, str) or _is_block(item) for item in items)


def _is_block(item: object) -> bool:
    if not isinstance(item, dict):
        return False
    block = cast("dict[str, object]", item)
    kind = block.get("type")
    return isinstance(kind, str) and not _BLOCKS.get(kind, frozenset()).isdisjoint(block)


def _described(result: object) -> str:
    try:
        return str(result)
    except Exception:  # noqa: BLE001 - the same
        return f"a {type(result).__name__} that cannot be shown"


def _storable(text: str) -> str:
    """Returns the text with halves of surrogate pairs, which nothing can store, as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()
