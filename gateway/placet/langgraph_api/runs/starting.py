"""A run that a client starts: its messages, on a thread that is free or is made free."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from typing import TYPE_CHECKING, Any, Final, cast

from placet.api.bodies import invalid_request
from placet.api.errors import ClosedError, ProblemError
from placet.api.runs.starting import GRAPH_CONTEXT, busy
from placet.api.runs.stopping import may_stop, stop_run
from placet.contracts.canonical import canonical_text
from placet.contracts.errors import RefusedError
from placet.contracts.runs import RunRequest
from placet.langgraph_api.assistants.describing import named_assistant
from placet.langgraph_api.bodies import refused_body
from placet.langgraph_api.runs.segments import first_segment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from placet.api.identity import Caller
    from placet.api.services import Services
    from placet.contracts.runs import Run
    from placet.langgraph_api.bodies import RunBody
    from placet.langgraph_api.runs.segments import Segment
    from placet.langgraph_api.threads.snapshot import Snapshot

_REPLACES: Final = frozenset({"interrupt", "rollback"})
"""Strategies by which a new message takes the place of what goes on."""
_UNTIL_FREE: Final = 15.0
"""Seconds that a run has to end once it was asked to."""
_LOOK: Final = 0.1
_REASON: Final = "A new message took its place."


async def start(services: Services, caller: Caller, body: RunBody, snapshot: Snapshot) -> Segment:
    """Starts a run with a client's messages.

    Raises:
        ProblemError: As `/v1` refuses to start a run.
    """
    name = named_assistant(services, body.assistant_id)
    if name not in services.config.agents:
        raise refused_body(at="/assistant_id", message="nothing is started by this assistant, only decided")
    if not caller.has("requester"):
        raise ProblemError(code="not_allowed", detail=f"{caller.id} has not the role requester.", roles=["requester"])
    known = {str(one.get("id")) for one in snapshot.messages}
    own = _own_input(services, name, body.input)
    messages = messages_of(body.input, known) if own is None or "messages" in own else []
    _check_checkpoint(body, snapshot)
    if body.multitask_strategy in _REPLACES and snapshot.run is not None and snapshot.run.ended_at is None:
        await _supersede(services, caller, snapshot.run)
    given: tuple[dict[str, JsonValue], ...] | dict[str, JsonValue] = tuple(messages)
    if own is not None:
        said: list[JsonValue] = [*messages]
        given = {**own, "messages": said} if "messages" in own else own
    has_context = services.config.agents[name].graph is not None and isinstance(body.context, dict)
    metadata = {**body.metadata, GRAPH_CONTEXT: body.context} if has_context else body.metadata
    request = RunRequest(agent=name, input=given, thread_id=snapshot.thread.id, metadata=metadata)
    return first_segment(await services.starting.start(caller, request, _key_of(request, messages)))


def _own_input(services: Services, agent: str, given: JsonValue) -> dict[str, JsonValue] | None:
    """Returns the input of a graph whose state holds more than messages; None where messages are all."""
    if services.config.agents[agent].graph is None or not isinstance(given, dict) or given.keys() <= {"messages"}:
        return None
    return given


def messages_of(given: JsonValue, known: set[str]) -> list[dict[str, JsonValue]]:
    """Returns the new messages of an input.

    Results of tools are left out: some clients write their own for calls that wait, and only tools give results.

    Raises:
        ProblemError: `invalid_request`.
    """
    found: object = given.get("messages") if isinstance(given, dict) and "messages" in given else given
    if isinstance(found, str):
        found = [{"type": "human", "content": found}]
    if isinstance(found, dict):
        found = [found]
    if not isinstance(found, list):
        raise invalid_request([{"pointer": "/input", "message": "holds messages"}])
    messages: list[dict[str, JsonValue]] = []
    for place, message in enumerate(cast("list[object]", found)):
        one: object = {"type": "human", "content": message} if isinstance(message, str) else message
        if not isinstance(one, dict):
            raise invalid_request([{"pointer": f"/input/messages/{place}", "message": "is no message"}])
        fields = cast("dict[str, Any]", one)
        if fields.get("type", fields.get("role")) != "tool":
            messages.append(fields)
    if not messages:
        raise invalid_request([{"pointer": "/input", "message": "holds no message"}])
    # Where all are known the request has come before: under its key the run that it started is found.
    return [message for message in messages if str(message.get("id")) not in known] or messages


def _check_checkpoint(body: RunBody, snapshot: Snapshot) -> None:
    """Refuses to go on from a moment that has passed."""
    if body.moment not in (None, snapshot.checkpoint_id):
        message = "a run goes on from the present: what was decided cannot be undone"
        raise invalid_request([{"pointer": "/checkpoint", "message": message}])


def _key_of(request: RunRequest, messages: Sequence[dict[str, Any]]) -> str | None:
    """Returns a key under which the same messages start one run, where the client has given each an id."""
    if not messages or not all(isinstance(message.get("id"), str) for message in messages):
        return None
    text = canonical_text(request.model_dump(mode="json", include={"agent", "input", "thread_id"}))
    return "langgraph-" + hashlib.sha256(text.encode()).hexdigest()


async def _supersede(services: Services, caller: Caller, run: Run) -> None:
    """Takes back what waits, on the record, ends the run, and waits for its end."""
    if not may_stop(caller, run):
        raise ProblemError(code="not_allowed", detail="Who started a run, or an admin, puts another in its place.")
    # At once: with the first of them the run withdraws what is left.
    await asyncio.gather(*(_withdraw(services, caller, approval.id) for approval in run.pending))
    try:
        await stop_run(services, caller, run, _REASON)
    except ClosedError:
        return
    give_up = time.monotonic() + _UNTIL_FREE
    while time.monotonic() < give_up:
        now = await services.ledger.run(run.id, services.clock())
        if now is None or now.ended_at is not None:
            return
        await asyncio.sleep(_LOOK)
    raise busy(run.thread_id, run)


async def _withdraw(services: Services, caller: Caller, approval_id: str) -> None:
    # Where somebody was faster the run ends all the same.
    with contextlib.suppress(RefusedError):
        await services.withdrawing.withdraw(caller, approval_id, _REASON, status="superseded")
