"""`@langchain/react`, as it is, in a page of jsdom: it speaks the second protocol."""

from __future__ import annotations

from pathlib import Path

import pytest

from placet_testing.chatting import Chat, a_text
from placet_testing.gateway import key_of
from placet_testing.node_packages import ran

pytestmark = pytest.mark.timeout(180)


def test_a_page_starts_watches_decides_twice_and_too_late_and_stops(chat: Chat, langgraph_programs: Path) -> None:
    text, desk = a_text(), chat.deployment.desk
    report = ran(langgraph_programs, "react.mjs", chat.url(), key_of("bot"), key_of("dana"), text, str(desk))
    assert report == {
        "action": {"text": f"{text}-first"},
        "loading": False,
        "other": {"text": f"{text}-second"},
        "late": {"code": "no_such_interrupt", "message": "Dana Ito has decided: approved."},
        "again": None,
        "stranger": {"code": "permission_denied", "message": "user:bot has not the role approver."},
        "still": [True],
        "shown": f"Sent {text}-first. | Sent {text}-second.",
        "ends": True,
        "joined": 8,
        "error": None,
    }
    assert [len(chat.deployment.effects(f"{text}-{name}")) for name in ("first", "second", "held")] == [1, 1, 1]
