"""The JavaScript SDK of LangGraph, four lines of it side by side: by its client, and in a page with `useStream`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from placet_testing.chatting import Chat, a_text
from placet_testing.gateway import key_of
from placet_testing.node_packages import ran

pytestmark = pytest.mark.timeout(180)

OLDEST, NEWEST = "sdk-1-8-10", "sdk-1-15-0"
LINES: Final = (
    OLDEST,
    pytest.param("sdk-1-9-28", marks=pytest.mark.repeated),
    NEWEST,
    # What a plain `npm install` gives, though it is older than 1.15.
    "sdk-2-0-0",
)


@pytest.mark.parametrize("line", LINES)
def test_a_conversation_by_the_client(chat: Chat, langgraph_programs: Path, line: str) -> None:
    text = a_text()
    report = ran(langgraph_programs, "client.mjs", line, chat.url(), key_of("bot"), key_of("dana"), text)
    action = report.pop("action")
    assert (action["name"], action["args"]) == ("send", {"text": f"{text}-keyed"})
    assert report.pop("events")[0] == "metadata"
    assert report.pop("ignored").startswith("A person rejected")
    assert report.pop("edited").endswith(f"Sent {text}-edited.")
    assert report.pop("late")["status"] == 409
    assert report.pop("stranger")["status"] == 403
    assert report.pop("unknown")["status"] == 404
    assert set(report.pop("replayed")) >= {"metadata", "values"}
    assert report == {
        "interrupts": 1,
        "status": "interrupted",
        "reloaded": True,
        "next": ["tools"],
        "tasks": 1,
        "sameCheckpoint": True,
        "found": True,
        "next_interrupt": True,
        "runs": 2,
        "done": f"Sent {text}-keyed. | Sent {text}-second.",
        "cleared": True,
        "again": True,
        "joined": f"Sent {text}-keyed. | Sent {text}-second.",
        "listed": ["success", "interrupted", "interrupted"],
        "notShown": 409,
        "stopped": "idle",
    }
    for name, times in {"keyed": 1, "second": 1, "edited": 1, "edit": 0, "old": 0, "stopped": 0}.items():
        assert len(chat.deployment.effects(f"{text}-{name}")) == times, name


@pytest.mark.parametrize("line", LINES)
def test_a_page_with_use_stream_starts_reloads_and_decides(chat: Chat, langgraph_programs: Path, line: str) -> None:
    text = a_text()
    report = ran(langgraph_programs, "use_stream.mjs", line, chat.url(), key_of("bot"), key_of("dana"), text)
    assert report == {
        "action": {"text": f"{text}-first"},
        "reloaded": True,
        "before": 2,
        "other": {"text": f"{text}-second"},
        "shown": f"Sent {text}-first. | Sent {text}-second.",
        "runs": 3,
        "refused": ["409"],
        "unexpected": [],
    }
    assert [len(chat.deployment.effects(f"{text}-{name}")) for name in ("first", "second")] == [1, 1]
