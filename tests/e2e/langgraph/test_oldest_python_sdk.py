"""The oldest Python SDK of LangGraph that is supported, in a process of its own beside the newest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from placet_testing.chatting import Chat, a_text
from placet_testing.gateway import key_of
from placet_testing.servers import LANGGRAPH_PROGRAMS

pytestmark = pytest.mark.timeout(180)


def test_a_conversation_by_the_oldest_sdk(chat: Chat, oldest_langgraph_sdk: Path) -> None:
    text = a_text()
    # Without `site` it sees its own packages and none of ours.
    command = (sys.executable, "-S", str(LANGGRAPH_PROGRAMS / "conversation.py"))
    arguments = (chat.url(), key_of("bot"), key_of("dana"), key_of("eve"), text)
    environment = {**os.environ, "PYTHONPATH": str(oldest_langgraph_sdk)}
    done = subprocess.run((*command, *arguments), env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert json.loads(done.stdout) == {
        "version": "0.2.0",
        "events": ["metadata", "end"],
        "status": "interrupted",
        "next": ["tools"],
        "same": True,
        "history": 1,
        "found": True,
        "other": True,
        "done": f"Sent {text}-keyed. | Sent {text}-bare.",
        "again": True,
        "late": 409,
        "listed": ["success", "interrupted", "interrupted"],
        "one": f"Sent {text}-one.",
        "accepted": f"Sent {text}-accepted.",
        "question": True,
        "raced": ["409", "None"],
        "ignored": "A person rejected this call; it did not run",
        "stranger": 403,
        "stopped": "idle",
        "unknown": 404,
    }
    times = {"keyed": 1, "bare": 1, "one": 1, "accepted": 1, "raced": 1, "old": 0, "resolved": 0, "stopped": 0}
    assert {name: len(chat.deployment.effects(f"{text}-{name}")) for name in times} == times
