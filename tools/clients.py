"""Brings up the demo with two clients of LangChain's beside it: agent-chat-ui and Agent Inbox.

They come from their public sources, at the versions that were tried, into the user's cache folder; nothing of theirs is
in this repository, and no test needs them. `PLACET_CLIENTS_FROM` names another place than GitHub to clone them from.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from placet.engine.cache import kept, only_one, workshop
from placet.engine.ports import free_port
from placet.engine.progress import say_on_stderr

FROM: Final = os.environ.get("PLACET_CLIENTS_FROM", "https://github.com/langchain-ai")
AGENT: Final = "billing"
NPM: Final = ("npm", "install", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund")


@dataclass(frozen=True)
class Source:
    """A client.

    Attributes:
        commit: The version that was tried.
        install: Gets its packages.
    """

    name: str
    commit: str
    install: tuple[str, ...]


CHAT: Final = Source(
    "agent-chat-ui",
    "fdc87e65307581b02898d33c62b3f285e56bd85b",
    ("npx", "--yes", "pnpm@9", "install", "--frozen-lockfile", "--ignore-scripts"),
)
INBOX: Final = Source("agent-inbox", "e67f94511d7668233ecf8e6f1cf8ff04a6128721", NPM)


def provided(source: Source) -> Path:
    """Returns where a client lies with its packages, got now where it was not yet."""
    place = kept(source.name, source.commit)
    with only_one(source.name, source.commit, say_on_stderr):
        if not place.exists():
            say_on_stderr(f"Getting {source.name} and its packages; this happens once and takes minutes.")
            with workshop(source.name, source.commit) as folder:
                subprocess.run(("git", "clone", "--quiet", f"{FROM}/{source.name}", str(folder)), check=True)
                subprocess.run(("git", "checkout", "--quiet", source.commit), cwd=folder, check=True)
                if source.install is NPM:
                    # Its lock file names the registry of another package manager.
                    (folder / "yarn.lock").unlink()
                subprocess.run(source.install, cwd=folder, check=True)
    return place


def serve(folder: Path, port: int, **environment: str) -> subprocess.Popen[bytes]:
    """Starts a client's development server."""
    command = (str(folder / "node_modules" / ".bin" / "next"), "dev", "--port", str(port))
    return subprocess.Popen(command, cwd=folder, env={**os.environ, "NEXT_TELEMETRY_DISABLED": "1", **environment})


def main() -> int:
    """Runs everything until Ctrl-C, or until it is asked to end."""
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, signal.default_int_handler)
    missing = [program for program in ("git", "node", "npm", "npx") if shutil.which(program) is None]
    if missing:
        say_on_stderr(f"Not here: {', '.join(missing)} (Debian: apt-get install git npm)")
        return 1
    try:
        chat, inbox = provided(CHAT), provided(INBOX)
    except subprocess.CalledProcessError as error:
        say_on_stderr(f"This failed: {' '.join(error.cmd)}")
        return 1
    gateway, chat_port, inbox_port = (free_port() for _ in range(3))
    surface = f"http://127.0.0.1:{gateway}/langgraph"
    origins = f"http://localhost:{chat_port},http://localhost:{inbox_port}"
    placet = (str(Path(sys.executable).with_name("placet")), "up", "--demo", "--port", str(gateway))
    running = [
        subprocess.Popen(placet, env={**os.environ, "PLACET_CORS_ORIGINS": origins}),
        serve(chat, chat_port, NEXT_PUBLIC_API_URL=surface, NEXT_PUBLIC_ASSISTANT_ID=AGENT),
        serve(inbox, inbox_port),
    ]
    say_on_stderr(f"agent-chat-ui: http://localhost:{chat_port}")
    say_on_stderr(f"Agent Inbox: http://localhost:{inbox_port}; add {surface} with the graph id approvals, and no key")
    try:
        return running[0].wait()
    except KeyboardInterrupt:
        return 0
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


if __name__ == "__main__":
    raise SystemExit(main())
