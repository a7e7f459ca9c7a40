"""What is stored in Temporal and the ledger outlives the code: yesterday's is read, tomorrow's does not hurt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast, get_type_hints

import pytest
from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python
from temporalio.contrib.pydantic import pydantic_data_converter

from placet.contracts import approvals, decisions, events, graphs, reconciling, records, runs
from placet.contracts._base import Message
from placet.contracts.approvals import ApprovalRequest
from placet.contracts.calls import JudgeInput, JudgeResult
from placet.contracts.decisions import DecisionBody
from placet.contracts.events import EVENT_DATA
from placet.contracts.runs import RunRequest
from placet.runs import effects
from placet.runs.agent_run import AgentRun
from placet.runs.approval import ApprovalWorkflow
from placet.runs.graph_run import GraphRun
from placet.runs.reconcile import Reconcile

FROZEN: Final[dict[str, dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "frozen_messages.json").read_text("utf-8")
)
"""One example of each message with every field set, as it was written once; fields are added, never changed."""

STORED: Final[tuple[type[Message], ...]] = (
    approvals.ApprovalInput,
    approvals.ApprovalState,
    approvals.Outcome,
    decisions.DecideInput,
    decisions.DecideResult,
    decisions.WithdrawInput,
    records.RecordInput,
    records.RecordResult,
    records.WhenRecordedInput,
    records.WhenRecordedResult,
    JudgeInput,
    JudgeResult,
    runs.RunInput,
    runs.RunResult,
    runs.ModelInput,
    runs.ModelResult,
    runs.ToolInput,
    runs.ToolResult,
    runs.SettleInput,
    runs.SettleResult,
    runs.CloseInput,
    runs.CloseResult,
    graphs.GraphInput,
    graphs.StepInput,
    graphs.StepResult,
    reconciling.ReconcileInput,
    reconciling.ReconcilePageInput,
    reconciling.Reconciled,
    events.Event,
    *dict.fromkeys(EVENT_DATA.values()),
)

BODIES: Final[dict[type[BaseModel], dict[str, Any]]] = {
    DecisionBody: {"type": "answer", "digest": "d", "answers": {"q1": {"options": ["1"], "text": "x"}}},
    ApprovalRequest: {
        "kind": "question",
        "title": "t",
        "questions": [{"question": "Which?", "options": [{"label": "a", "description": "b"}, "c"]}],
    },
    RunRequest: {"agent": "billing", "input": "hello"},
}
"""Each request body, with every model inside it."""


def by_name(one: object) -> str:
    return one.__name__ if isinstance(one, type) else str(one)


def from_later(value: object) -> object:
    """Returns the JSON form of a value with an unknown field in every model inside it."""
    if isinstance(value, BaseModel):
        known = {name: from_later(getattr(value, name)) for name in type(value).model_fields}
        return {**known, "from_a_later_version": {"text": None}}
    if isinstance(value, dict):
        return {str(key): from_later(inner) for key, inner in cast("dict[object, object]", value).items()}
    if isinstance(value, tuple | list):
        return [from_later(inner) for inner in cast("list[object]", value)]
    return to_jsonable_python(value)


def example(message: type[Message]) -> Message:
    return message.model_validate(FROZEN[message.__name__])


@pytest.mark.parametrize("message", STORED, ids=by_name)
def test_what_was_stored_is_read_and_written_the_same(message: type[Message]) -> None:
    """A field may be added; one that is renamed, retyped or dropped shows here."""
    written = json.loads(example(message).model_dump_json())
    assert keep(FROZEN[message.__name__], written) == FROZEN[message.__name__]


def keep(known: object, written: object) -> object:
    """Returns what was written without the fields that the frozen example does not know."""
    if isinstance(known, dict) and isinstance(written, dict):
        old, new = cast("dict[str, object]", known), cast("dict[str, object]", written)
        return {key: keep(old[key], new[key]) for key in old if key in new}
    if isinstance(known, list) and isinstance(written, list):
        old_items, new_items = cast("list[object]", known), cast("list[object]", written)
        return [keep(*pair) for pair in zip(old_items, new_items, strict=True)]
    return written


@pytest.mark.parametrize("message", STORED, ids=by_name)
def test_the_frozen_example_has_every_field(message: type[Message]) -> None:
    """A new field belongs into the example, so that it is frozen as well."""
    assert FROZEN[message.__name__].keys() == message.model_fields.keys()


def test_nothing_is_frozen_that_is_no_message() -> None:
    assert FROZEN.keys() == {message.__name__ for message in STORED}


@pytest.mark.parametrize("message", STORED, ids=by_name)
def test_a_stored_message_is_deaf_to_fields_of_a_later_version(message: type[Message]) -> None:
    """At every level: a worker of the old version must finish what one of the new version has begun."""
    original = example(message)
    assert message.model_validate_json(json.dumps(from_later(original))) == original


@pytest.mark.parametrize("message", STORED, ids=by_name)
async def test_a_message_survives_temporals_converter(message: type[Message]) -> None:
    original = example(message)
    payloads = await pydantic_data_converter.encode([original])
    assert payloads[0].metadata["encoding"] == b"json/plain"
    assert await pydantic_data_converter.decode(payloads, [message]) == [original]


@pytest.mark.parametrize("message", STORED, ids=by_name)
def test_a_message_cannot_be_changed(message: type[Message]) -> None:
    for name in message.model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(example(message), name, None)


def test_every_message_of_a_workflow_or_an_activity_is_frozen() -> None:
    known = set(STORED)
    for function in (
        *(getattr(effects, name) for name in ("record", "when_recorded", "judge", "settle", "close", "reconcile")),
        *(effects.start_model, effects.run_tool, effects.start_superstep),
        *(ApprovalWorkflow.run, AgentRun.run, GraphRun.run, Reconcile.run),
    ):
        named = set(messages_in(tuple(get_type_hints(function).values())))
        assert named <= known, f"{function.__qualname__} takes or gives what no example freezes"


def messages_in(hints: tuple[object, ...]) -> Iterator[type[Message]]:
    for hint in hints:
        if isinstance(hint, type) and issubclass(hint, Message):
            yield hint
        inner: tuple[object, ...] = getattr(cast("object", hint), "__args__", ())
        yield from messages_in(inner)


@pytest.mark.parametrize("body", BODIES, ids=by_name)
def test_a_request_body_is_taken_as_documented(body: type[BaseModel]) -> None:
    assert body.model_validate(BODIES[body])


def with_a_stranger(value: object) -> Iterator[object]:
    """Yields the value with an unknown field in one of the objects inside it, one after the other."""
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        if "q1" not in members:  # the keys of answers are the ids of questions
            yield {**members, "stranger": 1}
        for key, inner in members.items():
            yield from ({**members, key: changed} for changed in with_a_stranger(inner))
    elif isinstance(value, list):
        items = cast("list[object]", value)
        for place, inner in enumerate(items):
            yield from ([*items[:place], changed, *items[place + 1 :]] for changed in with_a_stranger(inner))


@pytest.mark.parametrize("body", BODIES, ids=by_name)
def test_a_request_body_refuses_unknown_fields_at_every_level(body: type[BaseModel]) -> None:
    changed = list(with_a_stranger(BODIES[body]))
    assert changed
    for one in changed:
        with pytest.raises(ValidationError) as refused:
            body.model_validate(one)
        assert [error["type"] for error in refused.value.errors()] == ["extra_forbidden"]
        assert refused.value.errors()[0]["loc"][-1] == "stranger"


def test_every_closed_model_is_part_of_a_request_body() -> None:
    """A stored message that refuses unknown fields would stop old workers; what clients and models send may."""
    closed = {model.__name__ for model in descendants(BaseModel) if model.model_config.get("extra") == "forbid"}
    assert closed == {"RequestBody", "DecisionBody", "ApprovalRequest", "RunRequest"} | {
        *("QuestionBody", "OptionBody", "AnswerBody", "AskHuman")
    }


def descendants(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for child in model.__subclasses__():
        if child.__module__.startswith("placet.contracts.") and not child.__module__.endswith((".config", ".sign_in")):
            yield child
        yield from descendants(child)
