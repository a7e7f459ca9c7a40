"""How to connect LangGraph's clients: the files of the page do what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from placet_testing.chatting import Chat, a_text, call
from placet_testing.gateway import key_of
from placet_testing.node_packages import ran
from placet_testing.pages import file_of

pytestmark = pytest.mark.timeout(180)

PAGE: Final = "docs/how-to/connect-langgraph-clients.md"


def test_the_script_asks_with_one_key_and_approves_with_another(chat: Chat, tmp_path: Path) -> None:
    (tmp_path / "ask_and_approve.py").write_text(file_of(PAGE, "ask_and_approve.py"))
    keys = {"KEY_OF_WHO_ASKS": key_of("bot"), "KEY_OF_WHO_DECIDES": key_of("dana")}
    environment = {**os.environ, **keys, "PLACET_URL": chat.url().removesuffix("/langgraph")}
    command = (sys.executable, str(tmp_path / "ask_and_approve.py"))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == "The refund is made and the customer knows.\n"


@pytest.mark.parametrize("file", ["chat.js", "newest_chat.js"])
def test_the_pages_approve_what_waits(chat: Chat, langgraph_programs: Path, file: str) -> None:
    (langgraph_programs / file).write_text(file_of(PAGE, file))
    thread, text = chat.thread(), a_text()
    chat.waiting(thread, [call(text)])
    report = ran(langgraph_programs, "approving.mjs", file, chat.url(), key_of("dana"), thread)
    assert report == {"shown": f"Sent {text}."}
    assert len(chat.deployment.effects(text)) == 1
