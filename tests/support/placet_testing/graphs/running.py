"""`placet up` with graphs, and what people do there over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from placet_testing.running_up import Up, running_up

HOME: Final = Path(__file__).parent
PATIENCE: Final = 150.0
"""A worker that is started again beside much else takes a minute."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Graphs:
    """A `placet up` whose agents are graphs.

    Attributes:
        effects: The file in which nodes and tools leave a line.
    """

    up: Up
    effects: Path

    def start(self, agent: str, given: object, **fields: Any) -> Json:
        """Starts a run."""
        answer = self.post("/v1/runs", {"agent": agent, "input": given, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def post(self, path: str, body: object) -> httpx.Response:
        """Sends something."""
        return httpx.post(f"{self.up.url}{path}", json=body, timeout=30)

    def get(self, path: str) -> Any:
        """Reads something."""
        answer = httpx.get(f"{self.up.url}{path}", timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def run(self, run: Json) -> Json:
        """Returns the run as it is now."""
        return self.get(f"/v1/runs/{run['id']}")

    def pending(self, run: Json, count: int) -> list[Json]:
        """Returns what the run waits for, as soon as it is so much."""
        return self.until(lambda: found if len(found := self.run(run)["pending"]) == count else None, run)

    def ended(self, run: Json) -> Json:
        """Returns the run as soon as it has ended."""
        return self.until(lambda: found if (found := self.run(run))["ended_at"] else None, run)

    def decide(self, approval: Json, kind: str = "approve", **fields: Any) -> httpx.Response:
        """Decides on an approval."""
        body = {"type": kind, "digest": approval["digest"], **fields}
        return self.post(f"/v1/approvals/{approval['id']}/decision", body)

    def answer(self, approval: Json, *options: str, text: str | None = None) -> httpx.Response:
        """Answers the one question of an approval."""
        (question,) = approval["questions"]
        given = {"options": list(options)} if text is None else {"text": text}
        return self.decide(approval, "answer", answers={question["id"]: given})

    def messages(self, run: Json) -> list[tuple[str, str]]:
        """Returns the transcript, as types and texts."""
        listed = self.get(f"/v1/runs/{run['id']}/messages")
        return [(message["type"], message["data"]["content"]) for message in listed]

    def lines(self) -> list[str]:
        """Returns what nodes and tools have left on the disk."""
        return self.effects.read_text().splitlines() if self.effects.exists() else []

    def dies(self, *points: str) -> None:
        """Has the worker killed with -9 the next time that it comes to each of these points."""
        for point in points:
            self.effects.with_name(f"die {point}").touch()

    def deaths_to_come(self) -> list[str]:
        """Returns the points at which no worker has died yet."""
        return [found.name for found in self.effects.parent.glob("die *")]

    def until(self, found: Callable[[], Any], run: Json) -> Any:
        """Returns what is found, as soon as it is."""
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            result = found()
            if result is not None:
                return result
            time.sleep(0.1)
        message = f"it never came: {self.run(run)}"
        raise AssertionError(message)


def events(graphs: Graphs, run: Json) -> list[Json]:
    """Returns the log of a run that has ended."""
    with httpx.stream("GET", f"{graphs.up.url}/v1/runs/{run['id']}/events", timeout=30) as answer:
        return [json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line.startswith("data: ")]


def call_events(graphs: Graphs, run: Json) -> list[str]:
    """Returns the types of what happened to the calls of a run that has ended, in the order of the log."""
    return [event["type"] for event in events(graphs, run) if event["type"].startswith("call.")]


@contextmanager
def running_graphs(folder: Path, config: Path = HOME / "placet.yaml") -> Generator[Graphs]:
    """Starts `placet up` with the graphs of this folder, or with others."""
    effects = folder / "effects.txt"
    given = {"GRAPH_EFFECTS": str(effects)}
    with running_up(folder / "data", "--config", str(config), environment=given) as up:
        yield Graphs(up, effects)
