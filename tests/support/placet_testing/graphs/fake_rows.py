"""Rows of calls in memory, as a superstep lends them to the middleware."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from placet.agents import PermittedCall, StartedCall
from placet.contracts.canonical import canonical_text, digest
from placet.contracts.graphs import PERMIT, Permit

_Result = TypeVar("_Result")


@dataclass
class FakeCallRows:
    """Rows by what released the call and how often it is run again.

    Attributes:
        started: Rows of which somebody is the owner.
        finished: Their results.
        diary: What was asked of them, in order.
    """

    started: set[str] = field(default_factory=set[str])
    finished: dict[str, Any] = field(default_factory=dict[str, Any])
    diary: list[str] = field(default_factory=list[str])

    def start(self, call: PermittedCall, again: int) -> Future[StartedCall]:
        name = self._heard("start", call, again)
        if name in self.finished:
            return _done(StartedCall("finished", message_id=f"m-{name}", message=self.finished[name]))
        if name in self.started:
            return _done(StartedCall("uncertain"))
        self.started.add(name)
        return _done(StartedCall("runs", metadata={"placet_idempotency_key": name}))

    def finish(self, call: PermittedCall, again: int, message: dict[str, Any], *, failed: bool) -> Future[str | None]:
        name = self._heard("failed" if failed else "finish", call, again)
        self.finished[name] = message
        return _done(f"m-{name}")

    def let_go(self, call: PermittedCall, again: int) -> Future[None]:
        self.started.discard(self._heard("let_go", call, again))
        return _done(None)

    def settle(self, call: PermittedCall, again: int, said: str | None, *, ran: bool) -> Future[dict[str, Any]]:
        self._heard("ran" if ran else "unknown", call, again)
        data = {"content": said or "", "tool_call_id": call.call_id, "name": call.tool, "id": "settled"}
        return _done({"type": "tool", "data": data})

    def _heard(self, what: str, call: PermittedCall, again: int) -> str:
        name = f"{call.permit.release}/{again}"
        self.diary.append(f"{what} {name}")
        return name


def permitted(decision: dict[str, Any], tool: str, args: dict[str, Any], release: str = "a1") -> dict[str, Any]:
    """Returns a decision as a superstep tells it: with what lets the call run."""
    text = canonical_text(args)
    permit = Permit(turn=1, index=0, release=release, digest=digest(tool, text), approval_id=release)
    return {**decision, PERMIT: permit.model_dump()}


def _done(result: _Result) -> Future[_Result]:
    future: Future[_Result] = Future()
    future.set_result(result)
    return future
