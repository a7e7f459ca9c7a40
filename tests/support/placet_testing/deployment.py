"""A deployment seen from outside: what people and programs do through its gateways, and what is left behind."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier, Lock
from typing import Any, Final, TypeVar
from uuid import uuid4

import httpx
from temporalio.client import WorkflowExecutionStatus

from placet.contracts.events import Event
from placet.ledger import Ledger, LedgerUnavailableError
from placet_testing.gateway import REFUND, key_of
from placet_testing.processes import Processes

ENDINGS: Final = frozenset({"approval.decided", "approval.expired", "approval.cancelled", "approval.superseded"})
"""The events of which an approval has exactly one."""
_PAGE: Final = 500
_UNAVAILABLE: Final = 503
_PATIENCE: Final = 60.0
"""How long a ledger that does not answer is asked again, in seconds."""

Json = dict[str, Any]
_Result = TypeVar("_Result")
_Clients = dict[tuple[str, str], httpx.Client]


@dataclass
class Deployment(Processes):
    """Processes, and what is done through them over HTTP."""

    _clients: _Clients = field(default_factory=_Clients)
    _making: Lock = field(default_factory=Lock)
    _log: list[Json] = field(default_factory=list[Json])
    _reading_log: Lock = field(default_factory=Lock)

    def close(self) -> None:
        """Lets go of every connection and kills everything."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        super().close()

    def client(self, user: str = "dana", gateway: int = 0) -> httpx.Client:
        """Returns somebody's client of one of the gateways."""
        url = self.gateways[gateway].url
        with self._making:
            if (user, url) not in self._clients:
                headers = {"Authorization": f"Bearer {key_of(user)}"} if user else {}
                # On this machine: no proxy of the environment, and no certificates, which take 20 ms to load.
                made = httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False, verify=False)  # noqa: S501
                self._clients[user, url] = made
        return self._clients[user, url]

    def ask(self, user: str = "bot", gateway: int = 0, **body: Any) -> Json:
        """Asks for a refund, or for what the body says, and returns the approval."""
        return self._begin(user, gateway, "/v1/approvals", {**REFUND, **body} if "kind" not in body else body)

    def _begin(self, user: str, gateway: int, path: str, body: Json) -> Json:
        """Starts something; a gateway that has no time for it is asked again under the same key."""
        headers, give_up = {"Idempotency-Key": uuid4().hex}, time.monotonic() + _PATIENCE
        while True:
            answer = self.client(user, gateway).post(path, json=body, headers=headers)
            if answer.status_code != _UNAVAILABLE or time.monotonic() > give_up:
                assert answer.status_code == 201, answer.text
                return answer.json()
            time.sleep(0.2)

    def decide(
        self, approval: Json, kind: str = "approve", *, user: str = "dana", gateway: int = 0, key: str = "", **body: Any
    ) -> httpx.Response:
        """Sends somebody's decision."""
        headers = {"Idempotency-Key": key} if key else {}
        sent = {"type": kind, "digest": approval["digest"], **body}
        return self.client(user, gateway).post(f"/v1/approvals/{approval['id']}/decision", json=sent, headers=headers)

    def withdraw(self, approval: Json, *, user: str = "bot", gateway: int = 0) -> httpx.Response:
        """Takes an approval back."""
        return self.client(user, gateway).post(f"/v1/approvals/{approval['id']}/cancel", json={"reason": "not needed"})

    def read(self, approval: Json | str, *, gateway: int = 0) -> Json:
        """Returns the approval as it is shown now."""
        approval_id = approval if isinstance(approval, str) else approval["id"]
        answer = self.client("root", gateway).get(f"/v1/approvals/{approval_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ended(self, approval: Json | str, limit: float = 90.0) -> Json:
        """Waits until the log tells of the approval's end, and returns it; refusals may be told after it."""
        found: list[Json] = []

        def closed() -> bool:
            found[:] = [self.read(approval)]
            return self._row_ended(found[0]["id"])

        self.wait(closed, limit)
        return self.read(approval)

    def closed(self, approval: Json, limit: float = 90.0) -> Json:
        """Waits until Temporal has closed the workflow of the approval: whatever reached it is on record then."""
        self.wait(lambda: asyncio.run(self._is_closed(f"approval-{approval['id']}")), limit)
        return self.ended(approval)

    async def _is_closed(self, workflow_id: str) -> bool:
        described = await (await self.temporal_client()).get_workflow_handle(workflow_id).describe()
        return described.status != WorkflowExecutionStatus.RUNNING

    def _row_ended(self, approval_id: str) -> bool:
        # Reads apply the deadline before anybody has recorded it; the log has only what is recorded.
        shown = self.read(approval_id)
        return shown["status"] != "pending" and any(kind in ENDINGS for kind in self.told(approval_id))

    def told(self, approval_id: str) -> list[str]:
        """Returns the types of an approval's own events in the order of the log."""
        of_it = [event["type"] for event in self.events() if event["approval_id"] == approval_id]
        return [kind for kind in of_it if kind.startswith("approval.")]

    def events(self) -> list[Json]:
        """Returns every event, in the order of the log; what was read before is not read again."""
        # In a thread of its own: the test may have a loop already.
        with self._reading_log, ThreadPoolExecutor(1) as thread:
            last = self._log[-1]["id"] if self._log else None
            read = thread.submit(lambda: asyncio.run(log_behind(self.ledger_url, last))).result()
            self._log += [event.model_dump(mode="json") for event in read]
            return list(self._log)

    def run(self, *turns: Sequence[Json], user: str = "bot", agent: str = "desk", **body: Any) -> Json:
        """Starts a run whose model calls these tools, turn by turn."""
        return self._begin(user, 0, "/v1/runs", {"agent": agent, "input": json.dumps(turns), **body})

    def read_run(self, run: Json) -> Json:
        """Returns the run as it is shown now."""
        answer = self.client("root").get(f"/v1/runs/{run['id']}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pending(self, run: Json, count: int = 1, limit: float = 60.0) -> list[Json]:
        """Waits until the run waits for so many approvals, and returns them in call order."""
        found: list[Json] = []

        def waits() -> bool:
            found[:] = self.read_run(run)["pending"]
            return len(found) == count

        self.wait(waits, limit)
        return found

    def finished(self, run: Json, limit: float = 90.0) -> Json:
        """Waits until the run has ended, and returns it."""
        found: list[Json] = []

        def has_ended() -> bool:
            found[:] = [self.read_run(run)]
            return found[0]["ended_at"] is not None

        self.wait(has_ended, limit)
        return found[0]

    def messages(self, run: Json) -> list[Json]:
        """Returns the run's transcript."""
        answer = self.client("root").get(f"/v1/runs/{run['id']}/messages")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def results(self, run: Json) -> list[str]:
        """Returns what the model was told of each call, in order."""
        return [message["data"]["content"] for message in self.messages(run) if message["type"] == "tool"]

    def effects(self, text: str) -> list[Json]:
        """Returns the lines that the desk's tools have left with this text."""
        file = self.desk / "effects.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [line for line in map(json.loads, lines) if line["text"] == text]

    def held(self, text: str, point: str) -> None:
        """Waits until a tool is held at the point."""
        self.wait((self.desk / f"{text}.{point}").exists)

    def let_go(self, text: str) -> None:
        """Lets a tool that is held go on."""
        (self.desk / f"{text}.go").touch()


def together(actions: Sequence[Callable[[], _Result]]) -> list[_Result]:
    """Does everything at the same moment and returns the results in order."""
    gate = Barrier(len(actions))

    def one(action: Callable[[], _Result]) -> _Result:
        gate.wait(10)
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(one, actions))


async def log_behind(url: str, cursor: str | None, **chosen: Any) -> list[Event]:
    """Returns the events of a ledger's log behind a cursor, or those of them that are chosen.

    A database that has no time for anybody is asked again: what a test reads has no limit of five seconds.
    """
    ledger, found, give_up = Ledger.at(url), list[Event](), time.monotonic() + _PATIENCE
    try:
        while True:
            try:
                page = await ledger.events_after(cursor, _PAGE, **chosen)
            except LedgerUnavailableError:
                if time.monotonic() > give_up:
                    raise
                continue
            if not page:
                return found
            found += page
            cursor = page[-1].id
    finally:
        await ledger.close()
