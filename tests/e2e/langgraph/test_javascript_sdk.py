"""The JavaScript SDK of LangGraph, four lines of it side by side: by its client, and in a page with `useStream`."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from placet_testing.chatting import Chat, a_text
from placet_testing.deployment import Json
from placet_testing.gateway import key_of
from placet_testing.node_packages import ran

pytestmark = pytest.mark.timeout(180)

LINES: Final = (
    "sdk-1-8-10",
    "sdk-1-9-28",
    "sdk-1-15-0",
    # What a plain `npm install` gives, though it is older than 1.15.
    "sdk-2-0-0",
)


@dataclass(frozen=True)
class AtOnce:
    """A program for several lines at the same time, for each once: it waits for most of its time."""

    folder: Path
    pool: ThreadPoolExecutor
    begun: dict[tuple[str, str], tuple[str, Future[Json]]] = field(
        default_factory=dict[tuple[str, str], tuple[str, Future[Json]]]
    )

    def ran(self, chat: Chat, program: str, line: str) -> tuple[str, Json]:
        """Returns the text that is a line's own, and what its program has said."""
        for key in [(program, one) for one in LINES] if (program, line) not in self.begun else ():
            text = a_text()
            keys = key_of("bot"), key_of("dana"), text, key_of("eve")
            given = (*key, chat.url(), *keys, str(chat.deployment.desk))
            self.begun[key] = text, self.pool.submit(ran, self.folder, *given)
        text, running = self.begun[program, line]
        return text, running.result()


@pytest.fixture(scope="module")
def at_once(langgraph_programs: Path) -> Iterator[AtOnce]:
    """Runs programs of all lines."""
    with ThreadPoolExecutor(len(LINES)) as pool:
        yield AtOnce(langgraph_programs, pool)


@pytest.mark.parametrize("line", LINES)
def test_a_conversation_by_the_client(chat: Chat, at_once: AtOnce, line: str) -> None:
    text, report = at_once.ran(chat, "client.mjs", line)
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
def test_every_form_of_an_answer_and_two_who_race(chat: Chat, at_once: AtOnce, line: str) -> None:
    text, report = at_once.ran(chat, "answers.mjs", line)
    assert report.pop("camel").endswith(f"Sent {text}-edited.")
    assert "Current" in report.pop("question")
    names = {"by id": "by-id", "decisions": "decisions", "one decision": "one-decision", "old list": "old-list"}
    assert report == {form: f"Sent {text}-{name}." for form, name in names.items()} | {"raced": [200, 409]}
    assert len(chat.deployment.effects(f"{text}-raced")) == 1


@pytest.mark.parametrize("line", LINES)
def test_a_page_with_use_stream_starts_reloads_races_decides_and_stops(chat: Chat, at_once: AtOnce, line: str) -> None:
    text, report = at_once.ran(chat, "use_stream.mjs", line)
    assert report == {
        "action": {"text": f"{text}-first"},
        "reloaded": True,
        "before": 2,
        "raced": ["409"],
        "other": {"text": f"{text}-second"},
        "shown": f"Sent {text}-first. | Sent {text}-second.",
        "twice": [],
        "refused": ["409"],
        "unexpected": [],
    }
    assert [len(chat.deployment.effects(f"{text}-{name}")) for name in ("first", "second", "held")] == [1, 1, 1]
