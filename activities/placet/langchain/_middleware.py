"""`ApprovalMiddleware`: every tool call of an agent before Placet's policy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import ToolMessage
from langgraph.types import Command, interrupt

from placet.agents import CALL_ROWS, PermittedCall
from placet.contracts.canonical import MalformedJsonError, canonical_text, digest
from placet.contracts.graphs import PERMIT, Permit
from placet.contracts.questions import ASK_HUMAN
from placet.langchain._once import Steps, arun, once, run
from placet.langchain._results import Result, mapped

_Given = ToolMessage | Command[Any]
"""What LangChain says that a tool gives; it may be a list of them."""
_ANOTHER: Final = "This call was not run: its arguments are not the ones that were shown."
_NOT_RUN: Final = "This call was not allowed; it was not run. Do not try the same call again."


class ApprovalMiddleware(AgentMiddleware[Any, Any, Any]):
    """Puts every tool call of an agent before Placet's policy, and those that ask before people, each on its own.

    What policy allows runs at once; what it denies is an error that the model reads; what it asks waits for its own
    approval, while the other calls of the message run. The agent is otherwise as it was:
    `create_agent(model, tools, middleware=[ApprovalMiddleware()])`.

    Policy is asked where the graph runs, in `GraphRun`, once for each call, and a call runs there behind a row of the
    ledger: a crash runs no call twice, and where it leaves open whether one ran, a person is asked. Elsewhere every
    call interrupts, in the form of LangChain's own middleware (`ToolApprovalRequest`), and waits for a decision in
    that form.

    It stands first in the list of middleware: what stands before it runs again when a call is decided.
    """

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], _Given]) -> _Given:
        """Runs a call as it was decided, or answers it."""
        if request.tool_call["name"] == ASK_HUMAN:
            return handler(request)
        decided = _decided(request)
        if isinstance(decided, ToolMessage):
            return decided
        steps = decided.steps()
        if steps is None:
            return cast("_Given", decided.told(handler(decided.request)))
        return cast("_Given", run(steps, lambda: handler(decided.request)))

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[_Given]]
    ) -> _Given:
        """Runs a call as it was decided, or answers it."""
        if request.tool_call["name"] == ASK_HUMAN:
            return await handler(request)
        decided = _decided(request)
        if isinstance(decided, ToolMessage):
            return decided
        steps = decided.steps()
        if steps is None:
            return cast("_Given", decided.told(await handler(decided.request)))
        return cast("_Given", await arun(steps, lambda: handler(decided.request)))


@dataclass(frozen=True)
class _Decided:
    """A call that runs.

    Attributes:
        request: With the arguments that an edit put in their place.
    """

    request: ToolCallRequest
    decision: Mapping[str, Any]

    def steps(self) -> Steps | None:
        """Returns how the call runs behind its row; None where there are no rows: the graph runs without Placet."""
        rows, permit = CALL_ROWS.get(), _permit(self.decision)
        if rows is None or permit is None:
            return None
        called = self.request.tool_call
        call = PermittedCall(permit, called["id"] or "", called["name"], canonical_text(called["args"]))
        return once(rows, call, self.request, self.told)

    def told(self, result: Result) -> Result:
        """Returns the result; that of an edited call says what ran."""
        if self.decision["type"] != "edit":
            return result
        ran = canonical_text(self.request.tool_call["args"])
        told = f"A person changed the arguments before the call ran; it ran with {ran}"
        return mapped(result, lambda message: _with_notice(message, told))


def _decided(request: ToolCallRequest) -> _Decided | ToolMessage:
    """Returns the call as it runs, or what the model reads instead."""
    decision = _decision_on(request)
    if decision["type"] in {"reject", "respond"}:
        return _answered(request, decision)
    decided = _as_decided(request, decision)
    permit = _permit(decision)
    if permit is not None and permit.digest != _digest(decided):
        return _answered(request, {"type": "reject", "message": _ANOTHER})
    return _Decided(decided, decision)


def _permit(decision: Mapping[str, Any]) -> Permit | None:
    found: object = decision.get(PERMIT)
    return None if found is None else Permit.model_validate(found)


def _digest(request: ToolCallRequest) -> str | None:
    """Returns the digest of a call; None where its arguments are no JSON."""
    try:
        return digest(request.tool_call["name"], canonical_text(request.tool_call["args"]))
    except MalformedJsonError:
        return None


def _decision_on(request: ToolCallRequest) -> Mapping[str, Any]:
    """Asks until what comes back is a decision on this call: another value would leave the thread stuck."""
    call = request.tool_call
    asked: dict[str, Any] = {
        "type": "tool_approval",
        "tool_call_id": call["id"],
        "name": call["name"],
        "args": call["args"],
        "description": "",
        "policy_decides": True,
    }
    while True:
        answer: object = interrupt(asked)
        problem = _problem(answer, call["name"])
        if problem is None:
            return cast("Mapping[str, Any]", answer)
        asked = {**asked, "description": f"The last answer did not count: {problem}."}


def _problem(answer: object, tool: str) -> str | None:
    """Returns why an answer is no decision on a call of this tool."""
    if not isinstance(answer, Mapping):
        return "it was no object"
    given = cast("Mapping[str, Any]", answer)
    kind = given.get("type")
    if kind in {"approve", "reject"} or (kind == "respond" and isinstance(given.get("message"), str)):
        return None
    if kind != "edit":
        return "its type was none of approve, edit, reject and respond"
    edited = given.get("edited_action")
    if not isinstance(edited, Mapping) or not isinstance(cast("Mapping[str, Any]", edited).get("args"), Mapping):
        return "an edit has an edited_action with args"
    named = cast("Mapping[str, Any]", edited).get("name")
    return None if named == tool else f"an edit keeps the tool, and this one named {named!r}"


def _answered(request: ToolCallRequest, decision: Mapping[str, Any]) -> ToolMessage:
    """Returns what the model reads in place of a result."""
    return ToolMessage(
        content=str(decision.get("message") or _NOT_RUN),
        name=request.tool_call["name"],
        tool_call_id=request.tool_call["id"] or "",
        status="success" if decision["type"] == "respond" else "error",
    )


def _as_decided(request: ToolCallRequest, decision: Mapping[str, Any]) -> ToolCallRequest:
    if decision["type"] != "edit":
        return request
    args: dict[str, Any] = dict(decision["edited_action"]["args"])
    return request.override(tool_call={**request.tool_call, "args": args})


def _with_notice(message: ToolMessage, told: str) -> ToolMessage:
    content: object = message.content
    if isinstance(content, str):
        return message.model_copy(update={"content": f"{told}\n\n{content}"})
    return message.model_copy(update={"content": [{"type": "text", "text": told}, *cast("list[object]", content)]})
