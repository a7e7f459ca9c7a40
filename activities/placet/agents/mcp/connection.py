"""How an MCP server is reached: the adapter's form of a connection, with the secrets of the environment in it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from placet.contracts.config import VARIABLE, McpServerConfig
from placet.engine.launching import launched

if TYPE_CHECKING:
    from langchain_mcp_adapters.sessions import Connection, StdioConnection, StreamableHttpConnection

_INHERITED: Final = ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER")
"""What a server's process gets of the worker's environment; its other secrets are none of the server's business."""
_HTTP_LIMIT: Final = timedelta(seconds=30)


class Dialling:
    """What is needed to reach one server, and what of it nobody may read."""

    def __init__(
        self, config: McpServerConfig, folder: Path, environment: Mapping[str, str], answer_limit: timedelta
    ) -> None:
        """Reads a server's configuration.

        Args:
            config: What `placet.yaml` says.
            folder: Where it lies; a program runs there by default.
            environment: The worker's.
            answer_limit: How long a call may take.
        """
        self._config = config
        self._folder = folder
        self._environment = environment
        self._limit = answer_limit

    def problems(self) -> list[tuple[tuple[str, str], str]]:
        """Returns where each variable stands that cannot be used, and why."""
        found: list[tuple[tuple[str, str], str]] = []
        for key, texts in (("env", self._config.env), ("headers", self._config.headers)):
            for name, text in texts.items():
                found += [((key, name), reason) for reason in self._problems_of(text)]
        return found

    def without_secrets(self, text: str) -> str:
        """Returns a text for logs and errors, in which the values of variables are their names again."""
        texts = [*self._config.env.values(), *self._config.headers.values()]
        names = {name for text in texts for name in VARIABLE.findall(text)}
        values = {value: name for name in names if (value := self._environment.get(name))}
        for value in sorted(values, key=len, reverse=True):
            text = text.replace(value, f"${{{values[value]}}}")
        return text

    def connection(self, session: dict[str, Any]) -> Connection:
        """Returns what the adapter needs for a session.

        Args:
            session: Options of the MCP client's session.

        Raises:
            FileNotFoundError: There is no such program.
        """
        url = self._config.url
        return self._program_of(session) if url is None else self._address(url, session)

    def _program_of(self, session: dict[str, Any]) -> StdioConnection:
        env = {name: self._environment[name] for name in _INHERITED if name in self._environment}
        env |= self._filled(self._config.env)
        cwd = self._folder / (self._config.cwd or "")
        program, *arguments = launched((self._program(cwd, env), *self._config.args))
        return {
            "transport": "stdio",
            "command": program,
            "args": arguments,
            "env": env,
            "cwd": cwd,
            "session_kwargs": session,
        }

    def _address(self, url: str, session: dict[str, Any]) -> StreamableHttpConnection:
        # With the extra only.
        from placet.agents.mcp.answering import answering_client  # noqa: PLC0415

        return {
            "transport": "streamable_http",
            "url": url,
            "headers": self._filled(self._config.headers),
            "timeout": _HTTP_LIMIT,
            "sse_read_timeout": self._limit + _HTTP_LIMIT,
            "session_kwargs": session,
            "httpx_client_factory": answering_client,
        }

    def _problems_of(self, text: str) -> list[str]:
        names = VARIABLE.findall(text)
        missing = [f"the environment has no variable {name}" for name in names if name not in self._environment]
        # The adapter would look for a variable in the value once more, and log the value where there is none.
        nested = [f"the value of {name} has ${{ in it" for name in names if "${" in self._environment.get(name, "")]
        return missing + nested

    def _filled(self, texts: Mapping[str, str]) -> dict[str, str]:
        return {name: VARIABLE.sub(lambda found: self._environment[found[1]], text) for name, text in texts.items()}

    def _program(self, cwd: Path, env: Mapping[str, str]) -> str:
        command = self._config.command or ""
        found = shutil.which(cwd / command if "/" in command else command, path=env.get("PATH"))
        if found is None:
            message = f"there is no program {command}"
            raise FileNotFoundError(message)
        return str(Path(found).absolute())
