"""agent-chat-ui: a visit in the shape of what it sends and reads, by one who asks and one who decides."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from placet_testing.chatting import Chat, a_text, call
from placet_testing.exchanges import check_answer
from placet_testing.gateway import key_of

pytestmark = pytest.mark.timeout(120)

VISIT = json.loads((Path(__file__).parent / "agent_chat_ui.json").read_text())


def filled(exchange: Any, known: dict[str, str]) -> Any:
    """Returns an exchange with what is known by now in place of its names."""
    text = json.dumps(exchange)
    for name, value in known.items():
        text = text.replace(f"{{{name}}}", json.dumps(value)[1:-1])
    return json.loads(text)


def test_a_visit(chat: Chat) -> None:
    text = a_text()
    script = json.dumps([[call(f"{text}-{name}")] for name in ("one", "two", "three")])
    known = {"script": script, "text": text, "message": str(uuid.uuid4())}
    base = chat.url().removesuffix("/langgraph")
    with httpx.Client(base_url=base, timeout=60) as client:
        for number, exchange in enumerate(VISIT):
            request, wanted = (filled(exchange[part], known) for part in ("request", "response"))
            headers = {"X-Api-Key": key_of(request["user"]), "X-Auth-Scheme": "langsmith"}
            answer = client.request(request["method"], request["path"], json=request["body"], headers=headers)
            check_answer(wanted, answer, str(number))
            if request["path"].endswith("/threads"):
                known["thread"] = answer.json()["thread_id"]
            elif request["path"].endswith("/history"):
                # It names this moment with whatever it sends next.
                known["checkpoint"] = answer.json()[0]["checkpoint"]["checkpoint_id"]
    effects = [len(chat.deployment.effects(f"{text}-{name}")) for name in ("one", "edited", "two", "three")]
    assert effects == [0, 1, 0, 0]
