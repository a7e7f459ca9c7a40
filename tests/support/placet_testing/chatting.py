"""People who use a deployment through clients of LangGraph."""

from __future__ import annotations

import json
import uuid
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Self

import httpx
import pytest
from langgraph_sdk import get_sync_client

from placet_testing.deployment import Deployment, Json
from placet_testing.gateway import key_of

APPROVE: Final[Json] = {"decisions": [{"type": "approve"}]}


@dataclass
class Chat:
    """A deployment, and the clients of those who use it."""

    deployment: Deployment
    _open: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def client(self, user: str = "max", gateway: int = 0) -> Any:
        """Returns somebody's client, as the SDK makes it; its own types leave much open."""
        made = get_sync_client(url=self.url(gateway), api_key=key_of(user))
        return self._open.enter_context(made)

    def url(self, gateway: int = 0) -> str:
        """Returns what clients are told of one of the gateways."""
        return f"{self.deployment.gateways[gateway].url}/langgraph"

    def thread(self, user: str = "bot") -> str:
        """Makes a thread and returns its id."""
        return self.client(user).threads.create(graph_id="desk")["thread_id"]

    def wait(self, thread: str, given: Json, user: str = "bot", **more: Any) -> Json:
        """Starts a run with messages, and returns the state in which it rests."""
        return self.client(user).runs.wait(thread, "desk", input=given, **more)

    def resume(self, thread: str, answer: Any, user: str = "dana", gateway: int = 0) -> Json:
        """Answers what waits, and returns the state in which the run rests."""
        return self.client(user, gateway).runs.wait(thread, "desk", command={"resume": answer})

    def waiting(self, thread: str, *turns: Sequence[Json], user: str = "bot") -> Json:
        """Starts a run on a thread and returns the interrupt that it comes to."""
        return interrupt_of(self.wait(thread, script(*turns), user))

    def look(self, thread: str, user: str = "dana") -> Json:
        """Returns a thread as somebody reads it."""
        return self.client(user).threads.get(thread)


@contextmanager
def refused(status: int, code: str, match: str = "") -> Generator[Json]:
    """Expects an answer that is a "no", whichever exception the SDK makes of it, and gives its document."""
    document: Json = {}
    with pytest.raises(httpx.HTTPStatusError) as caught:
        yield document
    assert caught.value.response.status_code == status, caught.value
    document.update(caught.value.response.json())
    assert document["code"] == code, document
    assert match in document["detail"], document


def interrupt_of(values: Json) -> Json:
    """Returns the one interrupt of a state."""
    (interrupt,) = values["__interrupt__"]
    return interrupt


def actions_of(interrupt: Json) -> list[Json]:
    """Returns what an interrupt asks about."""
    return interrupt["value"]["action_requests"]


def contents(values: Json) -> list[str]:
    """Returns what was said."""
    return [message["content"] for message in values["messages"]]


def script(*turns: Sequence[Json]) -> Json:
    """Returns the input of a run whose model calls these tools, turn by turn."""
    return {"messages": [{"type": "human", "content": json.dumps(turns), "id": str(uuid.uuid4())}]}


def call(text: str, tool: str = "send", **args: Any) -> Json:
    """Returns one call of a script."""
    return {"tool": tool, "args": {"text": text, **args}}


def a_text() -> str:
    """Returns a text that nobody else uses."""
    return uuid.uuid4().hex[:10]
