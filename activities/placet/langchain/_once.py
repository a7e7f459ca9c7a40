"""A call behind its row: it runs once, and where a crash leaves open whether it ran, a person is asked.

Written once for both worlds: a generator that yields what is to be waited for, and two that wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, cast

from langchain.agents.middleware.types import ToolCallRequest
from langgraph.errors import GraphBubbleUp
from langgraph.types import interrupt

from placet.agents import CallRows, PermittedCall
from placet.contracts.graphs import UNCERTAIN
from placet.langchain._results import Result, failure, from_row, to_row, with_id


@dataclass(frozen=True)
class _Run:
    """Stands for the tool, where a future stands for the ledger."""


Steps = Generator[Future[Any] | _Run, Any, Result]


def once(rows: CallRows, call: PermittedCall, request: ToolCallRequest, told: Callable[[Result], Result]) -> Steps:
    """Runs a call if nobody has, and returns its result.

    Args:
        rows: The superstep's.
        call: What runs.
        request: The same for LangChain.
        told: Returns the result with what the model has to know besides.
    """
    again = 0
    while True:
        started = yield rows.start(call, again)
        if started.state == "finished":
            return from_row(started.message, started.message_id)
        if started.state == "runs":
            config = cast("dict[str, Any]", request.runtime.config)  # pyright: ignore[reportUnknownMemberType]
            config["metadata"] = {**config.get("metadata", {}), **(started.metadata or {})}
            result = yield from _run(rows, call, again, told)
            if result is not None:
                return result
        looked = _what_happened(call, again)
        if looked.get("type") == "not_run":
            again += 1
            continue
        message = yield rows.settle(call, again, looked.get("said"), ran=looked.get("type") == "ran")
        return from_row(message)


def _run(
    rows: CallRows, call: PermittedCall, again: int, told: Callable[[Result], Result]
) -> Generator[Future[Any] | _Run, Any, Result | None]:
    """Runs the tool and keeps its result; None where the row has become another's meanwhile."""
    try:
        result = told((yield _Run()))
    except GraphBubbleUp:
        yield rows.let_go(call, again)
        raise
    except Exception as error:
        yield rows.finish(call, again, failure(call, error), failed=True)
        raise
    message, failed = to_row(call, result)
    kept = yield rows.finish(call, again, message, failed=failed)
    return None if kept is None else with_id(result, kept)


def _what_happened(call: PermittedCall, again: int) -> Mapping[str, Any]:
    """Asks whether a call ran.

    A tool that had asked something by itself before the crash asked it in this place: that answer is not for this
    question, and is passed over. Should the tool run again, it asks again.
    """
    name = f"{call.permit.release}/{again}"
    asked = {
        "type": UNCERTAIN,
        "name": call.tool,
        "args_text": call.args_text,
        "permit": call.permit.model_dump(),
        "of": name,
    }
    while True:
        answer: object = interrupt(asked)
        if isinstance(answer, Mapping) and cast("Mapping[str, Any]", answer).get("of") == name:
            return cast("Mapping[str, Any]", answer)


def run(steps: Steps, tool: Callable[[], Result]) -> Result:
    """Goes through the steps in a thread that may wait."""

    def wait(step: Future[Any] | _Run) -> object:
        return tool() if isinstance(step, _Run) else step.result()

    try:
        step = next(steps)
        while True:
            try:
                value = wait(step)
            except BaseException as error:  # noqa: BLE001 - whatever it is, the steps decide
                step = steps.throw(error)
            else:
                step = steps.send(value)
    except StopIteration as end:
        return cast("Result", end.value)


async def arun(steps: Steps, tool: Callable[[], Awaitable[Result]]) -> Result:
    """Goes through the steps in a loop that goes on meanwhile."""

    async def wait(step: Future[Any] | _Run) -> object:
        return await (tool() if isinstance(step, _Run) else asyncio.wrap_future(step))

    try:
        step = next(steps)
        while True:
            try:
                value = await wait(step)
            except BaseException as error:  # noqa: BLE001 - whatever it is, the steps decide
                step = steps.throw(error)
            else:
                step = steps.send(value)
    except StopIteration as end:
        return cast("Result", end.value)
