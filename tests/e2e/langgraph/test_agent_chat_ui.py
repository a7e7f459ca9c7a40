"""agent-chat-ui: a visit in the shape of what it sends and reads, by one who asks and one who decides."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import httpx
import pytest

from placet_testing.chatting import Chat, a_text, call
from placet_testing.exchanges import check_answer
from placet_testing.gateway import key_of

pytestmark = pytest.mark.timeout(120)

VISIT = (Path(__file__).parent / "agent_chat_ui.json").read_text()


def test_a_visit(chat: Chat) -> None:
    text, thread = a_text(), str(uuid.uuid4())
    script = json.dumps([[call(f"{text}-{name}")] for name in ("one", "two", "three")])
    visit = VISIT.replace("{thread}", thread).replace("{text}", text).replace("{message}", str(uuid.uuid4()))
    visit = visit.replace('"{script}"', json.dumps(script))
    base = chat.url().removesuffix("/langgraph")
    with httpx.Client(base_url=base, timeout=60) as client:
        for number, exchange in enumerate(json.loads(visit)):
            request = exchange["request"]
            headers = {"X-Api-Key": key_of(request["user"]), "X-Auth-Scheme": "langsmith"}
            answer = client.request(request["method"], request["path"], json=request["body"], headers=headers)
            check_answer(exchange["response"], answer, str(number))
    effects = [len(chat.deployment.effects(f"{text}-{name}")) for name in ("one", "edited", "two", "three")]
    assert effects == [0, 1, 0, 0]
