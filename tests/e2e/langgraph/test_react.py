"""`@langchain/react`, as it is, in a page of jsdom: it speaks the second protocol."""

from __future__ import annotations

from pathlib import Path

import pytest

from placet_testing.chatting import Chat, a_text
from placet_testing.gateway import key_of
from placet_testing.node_packages import ran

pytestmark = pytest.mark.timeout(180)


def test_a_page_starts_watches_races_decides_twice_and_too_late_and_stops(chat: Chat, langgraph_programs: Path) -> None:
    text, desk = a_text(), chat.deployment.desk
    bot, dana, eve = (key_of(user) for user in ("bot", "dana", "eve"))
    report = ran(langgraph_programs, "react.mjs", chat.url(), bot, dana, text, eve, str(desk))
    late = report.pop("late")
    assert late["code"] == "no_such_interrupt"
    assert late["message"] in {f"{name} has decided: approved." for name in ("Dana Ito", "user:eve")}, "who was faster"
    assert report == {
        "action": {"text": f"{text}-first"},
        "loading": False,
        "raced": ["no_such_interrupt", "won"],
        "other": {"text": f"{text}-second"},
        "again": None,
        "stranger": {"code": "permission_denied", "message": "user:bot has not the role approver."},
        "still": [True],
        "shown": f"Sent {text}-first. | Sent {text}-second.",
        "ends": True,
        "joined": 8,
        "error": None,
    }
    assert [len(chat.deployment.effects(f"{text}-{name}")) for name in ("first", "second", "held")] == [1, 1, 1]
