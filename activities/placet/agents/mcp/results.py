"""What an MCP server answers a call with, as the content of a message."""

from __future__ import annotations

import json
from typing import Any

from langchain_core.tools import ToolException
from mcp.types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    TextContent,
    TextResourceContents,
)

from placet.agents._results import Content, content_of


def content_of_result(result: CallToolResult) -> Content:
    """Returns a result as text, or as LangChain content blocks where it is more than text.

    Structured content stands for itself where a server gives nothing else; otherwise it repeats what the texts say.

    Raises:
        ToolException: The server says that the call failed.
    """
    blocks = [_block(one) for one in result.content]
    if result.isError:
        texts = [block["text"] for block in blocks if block["type"] == "text"]
        raise ToolException("\n".join(texts) or "the server says that it failed, and not why")
    if not blocks:
        return "" if result.structuredContent is None else json.dumps(result.structuredContent, ensure_ascii=False)
    if len(blocks) == 1 and blocks[0]["type"] == "text":
        return content_of(blocks[0]["text"])
    return content_of(blocks)


def _block(content: ContentBlock) -> dict[str, Any]:
    if isinstance(content, TextContent):
        return {"type": "text", "text": content.text}
    if isinstance(content, ImageContent):
        return {"type": "image", "base64": content.data, "mime_type": content.mimeType}
    if isinstance(content, AudioContent):
        return {"type": "audio", "base64": content.data, "mime_type": content.mimeType}
    if isinstance(content, EmbeddedResource):
        return _resource(content.resource)
    # A link is for whoever can follow it: providers would refuse an address that only the server knows.
    return {"type": "text", "text": f"{content.title or content.name}: {content.uri}"}


def _resource(resource: TextResourceContents | BlobResourceContents) -> dict[str, Any]:
    if isinstance(resource, TextResourceContents):
        return {"type": "text", "text": resource.text}
    kind = "image" if (resource.mimeType or "").startswith("image/") else "file"
    return {"type": kind, "base64": resource.blob, "mime_type": resource.mimeType or "application/octet-stream"}
