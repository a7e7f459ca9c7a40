"""What a model is shown of results that are more than text.

A tool may give pictures, files and sounds; what a provider takes of that in a result differs, and one block too many
fails every later run of the thread. Nothing is dropped without a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage

_MIME_TYPES: Final = {
    "file": frozenset({"application/pdf"}),
    "image": frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"}),
}
"""What every provider reads of the kind."""
_MOVED: Final = "The tools gave these besides text:"

Block = dict[str, Any]


def shown(results: Sequence[ToolMessage], kinds: frozenset[str] | None) -> Iterator[BaseMessage]:
    """Yields the results of one turn; what may not stand in one follows in a message as if a person had sent it.

    Args:
        results: The messages that answer the calls, in their order.
        kinds: The kinds of blocks that the provider takes in a result; None: it is left to its client.
    """
    moved: list[str | Block] = []
    for result in results:
        if kinds is None or isinstance(result.content, str):
            yield result
            continue
        blocks = [_block(block, kinds, moved) for block in cast("list[Block]", result.content)]
        yield result.model_copy(update={"content": blocks})
    if moved:
        yield HumanMessage([{"type": "text", "text": _MOVED}, *moved])


def _block(block: Block, kinds: frozenset[str], moved: list[str | Block]) -> Block:
    """Returns the block, or a text in its place; a block that can be shown elsewhere goes to `moved`."""
    kind = str(block.get("type"))
    if kind == "text" or (kind in kinds and _is_common(block)):
        return block
    address = f" at {block['url']}" if isinstance(block.get("url"), str) and not _is_data(block["url"]) else ""
    if kind in kinds or not _can_be_moved(block):
        return {"type": "text", "text": f"[{_named(block)}{address} that this model cannot be shown]"}
    moved.append(block)
    return {"type": "text", "text": f"[{_named(block)}{address}: see number {len(moved)} below]"}


def _is_common(block: Block) -> bool:
    """Returns whether every provider reads what the block holds."""
    kind, mime_type = str(block.get("type")), block.get("mime_type")
    return mime_type is None or kind not in _MIME_TYPES or mime_type in _MIME_TYPES[kind]


def _can_be_moved(block: Block) -> bool:
    """Returns whether a person's message may hold the block: there are providers that take no address of a file."""
    kind = block.get("type")
    if kind == "file":
        return _is_common(block) and "url" not in block
    return kind == "image_url" or (kind == "image" and _is_common(block))


def _named(block: Block) -> str:
    kind = str(block.get("type")).partition("_")[0]
    mime_type = block.get("mime_type")
    return f"{kind}, {mime_type}" if isinstance(mime_type, str) else kind


def _is_data(url: str) -> bool:
    return url.startswith("data:")
