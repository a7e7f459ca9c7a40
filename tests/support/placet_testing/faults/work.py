"""What people do while harm is done: they start runs, decide, cancel, and keep what they were told."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

import httpx

from placet_testing.deployment import Json
from placet_testing.faults.besieged import Besieged
from placet_testing.processes import CROWD
from placet_testing.reading import Reader

KINDS: Final = ("approve", "approve", "approve", "edit", "reject", "respond")
EDITED: Final = "-edited"
"""What somebody who edits a call adds to its text."""
LEFT_ALONE: Final = 0.15
"""The part of the approvals that a person looks at and leaves to somebody else, or to nobody."""
CANCELLED: Final = 0.1
_CREATED: Final = 201
_ACCEPTED: Final = 202
_CONFLICT: Final = 409
_FAULT: Final = 500
_UNAVAILABLE: Final = 503
_SEEN_FOR_EVER: Final = "approval.requested,approval.decided,approval.expired,approval.cancelled"
"""A run shows itself to an approver once it asks them; what they see of approvals never changes."""
_PATIENCE: Final = 240.0
"""How long somebody repeats what nobody answers, in seconds."""


@dataclass(frozen=True)
class Call:
    """A call that a run's model makes."""

    tool: str
    text: str


@dataclass(frozen=True)
class Begun:
    """A run that was accepted: answered 201."""

    run: Json
    turns: tuple[tuple[Call, ...], ...]

    @property
    def calls(self) -> list[Call]:
        """Every call that the model makes where nothing ends the run before."""
        return [call for turn in self.turns for call in turn]


@dataclass(frozen=True)
class Said:
    """A decision, and what was answered."""

    approval_id: str
    kind: str
    user: str
    answer: httpx.Response


@dataclass
class Work:
    """People at their work, in threads of their own, through whichever gateway lives.

    Attributes:
        begun: The runs that were accepted.
        asked: The approvals that were accepted without a run.
        said: The decisions that got an answer.
        cancelled: The ids of the runs whose cancel was answered 202.
        unexpected: Answers that no harm excuses.
        readers: People who follow the events all the while, and until they stop.
        since: When they began.
        before: Ids of the events that were there then.
    """

    site: Besieged
    chance: Random
    begun: list[Begun] = field(default_factory=list[Begun])
    asked: list[Json] = field(default_factory=list[Json])
    said: list[Said] = field(default_factory=list[Said])
    cancelled: list[str] = field(default_factory=list[str])
    unexpected: list[str] = field(default_factory=list[str])
    readers: list[Reader] = field(default_factory=list[Reader])
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    before: frozenset[str] = field(init=False)
    _reading: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _over: bool = False

    def __post_init__(self) -> None:
        """Remembers what was there before."""
        self.before = frozenset(event["id"] for event in self.site.events())

    @contextlib.contextmanager
    def going_on(self, *, runs: int = 10, over: float = 6.0, deciders: int = 3) -> Generator[None]:
        """Lets people work while the block does harm; they end once everything is whole and answered.

        Args:
            runs: How many runs are started, and half as many approvals are asked for without one.
            over: In how many seconds about.
            deciders: How many people decide.
        """
        self._over = False
        self._read()
        jobs: list[Callable[[Random], None]] = [
            lambda chance: self._start_runs(chance, runs, over),
            lambda chance: self._ask(chance, runs // 2, over),
            *(lambda chance, user=user: self._decide(chance, user) for user in CROWD[:deciders]),
        ]
        chances = [Random(self.chance.random()) for _ in jobs]  # noqa: S311 - no secret
        threads = [
            threading.Thread(target=self._guarded, args=(job, chance))
            for job, chance in zip(jobs, chances, strict=True)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.site.whole()
            for thread in threads[:2]:
                thread.join(_PATIENCE)
            self._over = True
            for thread in threads:
                thread.join(_PATIENCE)
            assert not any(thread.is_alive() for thread in threads), "somebody still waits for an answer"

    def stop_reading(self) -> None:
        """Lets whoever reads streams go away."""
        self._reading.close()

    def _read(self) -> None:
        """Lets some people read what happens, over one connection as long as it lasts or over many."""
        for user, longest, types in (("root", None, ""), ("audra", 3, ""), ("dana", 2, _SEEN_FOR_EVER)):
            luck = Random(self.chance.random())  # noqa: S311 - no secret
            reader = Reader(self.site, user, types=types, longest=longest, luck=luck)
            self._reading.enter_context(reader.reading())
            self.readers.append(reader)

    def _guarded(self, job: Callable[[Random], None], chance: Random) -> None:
        try:
            job(chance)
        except Exception as error:  # noqa: BLE001 - told by the test, which runs in another thread
            self.unexpected.append(repr(error))

    def _start_runs(self, chance: Random, runs: int, over: float) -> None:
        for number in range(runs):
            time.sleep(chance.random() * 2 * over / runs)
            turns = script(chance)
            body = {"agent": "desk", "input": json.dumps([[_call(call) for call in turn] for turn in turns])}
            answer = self._repeat(chance, "bot", "/v1/runs", body)
            if answer.status_code == _CREATED:
                self.begun.append(Begun(answer.json(), turns))
            else:
                self._odd("start", number, answer)
            if self.begun and chance.random() < CANCELLED:
                self._cancel(chance, chance.choice(self.begun).run)

    def _ask(self, chance: Random, count: int, over: float) -> None:
        for number in range(count):
            time.sleep(chance.random() * 2 * over / count)
            body: Json = {"kind": "tool_call", "tool": "refund", "args": {"amount": number}, "title": "Refund"}
            body["expires_after"] = chance.choice(("3s", "3d"))
            answer = self._repeat(chance, "bot", "/v1/approvals", body)
            if answer.status_code == _CREATED:
                self.asked.append(answer.json())
            else:
                self._odd("ask", number, answer)

    def _cancel(self, chance: Random, run: Json) -> None:
        answer = self._repeat(chance, "bot", f"/v1/runs/{run['id']}/cancel", {"reason": "not needed"})
        if answer.status_code == _ACCEPTED:
            self.cancelled.append(run["id"])
        elif answer.status_code != _CONFLICT:
            self._odd("cancel", run["id"], answer)

    def _decide(self, chance: Random, user: str) -> None:
        seen = set[str]()
        while not self._over:
            listed = self._once(chance, user, "GET", "/v1/approvals", params={"limit": 200, "kind": "tool_call"})
            items: list[Json] = listed.json()["items"] if listed is not None and listed.is_success else []
            new = [item for item in items if item["id"] not in seen]
            for item in new:
                seen.add(item["id"])
                if chance.random() > LEFT_ALONE:
                    self._say(chance, user, item)
            time.sleep(chance.random() / 2)

    def _say(self, chance: Random, user: str, approval: Json) -> None:
        kind = chance.choice(KINDS)
        body: Json = {"type": kind, "digest": approval["digest"]}
        if kind == "respond":
            body["message"] = "It was done yesterday."
        if kind == "edit":
            args = approval["args"]
            body["args"] = {"text": args["text"] + EDITED} if "text" in args else {"amount": args["amount"] + 1}
        answer = self._repeat(chance, user, f"/v1/approvals/{approval['id']}/decision", body)
        if answer.status_code not in {200, 202, 409}:
            self._odd(kind, approval["id"], answer)
        self.said.append(Said(approval["id"], kind, user, answer))

    def _repeat(self, chance: Random, user: str, path: str, body: Json) -> httpx.Response:
        """Sends something under one key until somebody answers, as the contract tells a client to."""
        key = f"{chance.getrandbits(64):x}"
        give_up = time.monotonic() + _PATIENCE
        while True:
            answer = self._once(chance, user, "POST", path, json=body, headers={"Idempotency-Key": key})
            if answer is not None and answer.status_code != _UNAVAILABLE:
                return answer
            if time.monotonic() > give_up:
                message = f"nobody answered {user}'s {path}: {answer and answer.text}"
                raise TimeoutError(message)
            time.sleep(0.2 + chance.random() / 2)

    def _once(self, chance: Random, user: str, method: str, path: str, **given: Any) -> httpx.Response | None:
        """Sends something once to some gateway; None where no answer comes."""
        count = len(self.site.gateways)
        if count == 0:
            return None
        try:
            answer = self.site.client(user, chance.randrange(count)).request(method, path, **given)
        except (httpx.TransportError, IndexError):
            return None
        if answer.status_code >= _FAULT and answer.status_code != _UNAVAILABLE:
            self.unexpected.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer

    def _odd(self, what: str, which: object, answer: httpx.Response) -> None:
        self.unexpected.append(f"{what} {which}: {answer.status_code} {answer.text[:300]}")


def script(chance: Random) -> tuple[tuple[Call, ...], ...]:
    """Returns what the model of some run calls, turn by turn; no text comes twice."""

    def call(tool: str) -> Call:
        return Call(tool, f"{tool}-{chance.getrandbits(64):016x}")

    shapes = (
        (("note",),),
        (("send",),),
        (("send", "pay"),),
        (("note", "send"), ("pay",)),
        (("set_again",),),
        (("send_soon",), ("note",)),
        (("note",), ("note",), ("send",)),
    )
    return tuple(tuple(call(tool) for tool in turn) for turn in chance.choice(shapes))


def _call(call: Call) -> Json:
    return {"tool": call.tool, "args": {"text": call.text}}
