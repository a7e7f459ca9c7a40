"""An agent with MCP servers, and the server of the tests as processes that may be killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from placet.agents import Agent, Agents
from placet.agents._results import Content
from placet.engine.config_file import parse
from placet.engine.launching import launched
from placet.engine.ports import LOOPBACK

SERVER: Final = Path(__file__).with_name("mcp_servers") / "shop_server.py"
TOKEN: Final = "s3cret-of-the-shop"  # noqa: S105 - of a server that lives as long as a test
MODEL: Final = """
from langchain_core.language_models.fake_chat_models import FakeListChatModel
class Taking(FakeListChatModel):
    def bind_tools(self, tools, **kwargs):
        return self.bind(tools=tools)
model = Taking(responses=["hello"])
def send(text: str) -> str:
    return "sent by our own"
"""


@dataclass
class Shop:
    """A folder of a server: what its calls have left, and the process that runs there."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    def stdio(self, **more: Any) -> dict[str, Any]:
        """Returns the server as `placet.yaml` has it, as a program."""
        env = {"SHOP_FOLDER": str(self.folder), "SHOP_TOKEN": "${SHOP_TOKEN}"}
        return {"command": sys.executable, "args": [str(SERVER)], "env": env, **more}

    def serve(self, port: int, *options: str) -> dict[str, Any]:
        """Starts the server on a port and returns it as `placet.yaml` has it."""
        environment = {**os.environ, "SHOP_FOLDER": str(self.folder), "SHOP_TOKEN": TOKEN}
        command = launched((sys.executable, str(SERVER), str(port), *options))
        self.process = subprocess.Popen(command, env=environment)
        return {"url": f"http://{LOOPBACK}:{port}/mcp", "headers": {"Authorization": "Bearer ${SHOP_TOKEN}"}}

    def kill(self) -> int:
        """Kills the server with -9 and waits until it is gone."""
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
        return pid

    @property
    def pid(self) -> int:
        """The process that runs there now."""
        return int((self.folder / "pid").read_text())

    def says(self, face: dict[str, Any] | None) -> None:
        """Lets `send` say something else of itself, or be gone."""
        new = self.folder / "face.new"
        new.write_text(json.dumps(face))
        new.rename(self.folder / "face.json")

    def effects(self, text: str) -> list[dict[str, Any]]:
        """Returns the lines that calls with this text have left."""
        file = self.folder / "effects.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [line for line in map(json.loads, lines) if line["text"] == text]

    def let_go(self, text: str) -> None:
        """Lets a call of `wait` go on."""
        (self.folder / f"{text}.go").touch()

    async def begun(self, text: str) -> None:
        """Waits until a call of `wait` has begun."""
        await eventually((self.folder / f"{text}.begun").exists)

    def end(self) -> None:
        """Kills the process that was started here, if any."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@dataclass
class Clerk:
    """An agent whose servers run."""

    agent: Agent
    agents: Agents
    changes: list[float] = field(default_factory=list[float])

    async def call(self, tool: str, **args: Any) -> Content:
        """Calls a tool as the tool activity does."""
        metadata = {"placet_idempotency_key": "run/0/0/0", "placet_approval_id": None}
        return await self.agent.tools[tool].run(args, {"metadata": metadata})

    def problem(self, server: str = "shop") -> str | None:
        """Returns what is published of a server."""
        (row,) = self.agents.describe()
        return {one.name: one.problem for one in row.mcp}[server]


@asynccontextmanager
async def clerk(folder: Path, servers: dict[str, Any], **more: Any) -> AsyncGenerator[Clerk]:
    """Gives an agent that knows these servers; they may not have answered yet."""
    module = f"model_{folder.name.replace('-', '_')}"
    (folder / f"{module}.py").write_text(MODEL)
    said = {"model": f"{module}:model", "tool_timeout": "20s", "mcp": servers, **more}
    config = parse(yaml.safe_dump({"agents": {"clerk": said}}), folder / "placet.yaml")
    agents = Agents.load(config, folder, {**os.environ, "SHOP_TOKEN": TOKEN})
    made = Clerk(agents["clerk"], agents)
    agents.start(lambda: made.changes.append(time.monotonic()))
    try:
        yield made
    finally:
        await agents.stop()


async def eventually(condition: Callable[[], object], limit: float = 20.0) -> None:
    """Waits until something is so."""
    async with asyncio.timeout(limit):
        while not condition():  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process runs, and is not a zombie."""
    with contextlib.suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
