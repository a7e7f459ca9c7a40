"""An MCP server with a tool for each thing that can be different or go wrong: over stdio, or HTTP on a given port.

Its folder, `SHOP_FOLDER`, gets a line in `effects.jsonl` for each call that took effect. Where it holds `face.json`,
that is what the tool `send` says of itself.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any, Literal

from mcp.server.fastmcp import Context, FastMCP, Image
from mcp.types import Tool
from pydantic import BaseModel

FOLDER = Path(os.environ.get("SHOP_FOLDER", "."))
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
_PAUSE = 0.02


class Customer(BaseModel):
    """Somebody who orders."""

    name: str
    floor: int | None = None


class Shop(FastMCP):
    """A server whose list can change under a client."""

    async def list_tools(self) -> list[Tool]:
        """Returns the tools; `face.json` is what `send` says of itself, and null takes it away."""
        tools = await super().list_tools()
        face = FOLDER / "face.json"
        if not face.exists():
            return tools
        said = json.loads(face.read_text())
        others = [tool for tool in tools if tool.name != "send"]
        return others if said is None else [*others, Tool(name="send", **said)]


shop = Shop("shop", log_level="ERROR", stateless_http="--stateless" in sys.argv)
known: list[str] = []


@shop.tool()
def find_orders(customer: Customer, state: Literal["open", "shipped"] = "open", most: int | None = None) -> list[str]:
    """Find orders of a customer."""
    return [f"{customer.name}/{customer.floor}/{state}/{most}"]


@shop.tool()
def send(text: str, ctx: Context[Any, Any, Any], extra: dict[str, Any] | None = None) -> str:
    """Send something to somebody. It cannot be taken back."""
    _append("send", text, ctx, extra)
    return f"Sent {text}."


@shop.tool()
async def wait(text: str, ctx: Context[Any, Any, Any]) -> str:
    """Send something, when it is let go."""
    (FOLDER / f"{text}.begun").touch()
    while not (FOLDER / f"{text}.go").exists():  # noqa: ASYNC110 - it is let go by a file
        await asyncio.sleep(_PAUSE)
    _append("wait", text, ctx, None)
    return f"Sent {text} at last."


@shop.tool()
def remember(text: str) -> str:
    """Remember something as long as the server runs."""
    known.append(text)
    return " ".join(known)


@shop.tool()
def fail(text: str) -> str:
    """Fail, always."""
    message = f"no luck with {text}, {os.environ.get('SHOP_TOKEN')}"
    raise RuntimeError(message)


@shop.tool(structured_output=False)
def paint(text: str) -> list[str | Image]:
    """Paint a picture."""
    return [f"A picture of {text}:", Image(data=PIXEL, format="png")]


@shop.tool()
async def announce(ctx: Context[Any, Any, Any]) -> str:
    """Say that the list of tools has changed."""
    await ctx.session.send_tool_list_changed()
    return "Said."


@shop.tool()
def quit_now() -> str:
    """End the server in the middle of a call."""
    os._exit(3)


@shop.tool(name="bad name!")
def unnameable() -> str:
    """Have a name that no provider takes."""
    return "never"


def _append(name: str, text: str, ctx: Context[Any, Any, Any], extra: dict[str, Any] | None) -> None:
    meta = ctx.request_context.meta
    line = {"tool": name, "text": text, "extra": extra, "meta": meta.model_dump() if meta else {}}
    descriptor = os.open(FOLDER / "effects.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, json.dumps(line).encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def main() -> None:
    """Serves until it is ended; leaves its process id in the folder."""
    (FOLDER / "pid").write_text(str(os.getpid()))
    if len(sys.argv) > 1:
        shop.settings.port = int(sys.argv[1])
        shop.run("streamable-http")
    else:
        shop.run()


if __name__ == "__main__":
    main()
