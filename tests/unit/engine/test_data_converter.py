"""What history keeps of our own messages: all of it, and no nulls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import NoneType
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from placet.contracts._base import Inside
from placet.contracts.approvals import Outcome
from placet.contracts.calls import JudgeResult, Verdict
from placet.contracts.runs import ModelCall, ModelResult, ToolResult
from placet.engine.connection import data_converter


def inside() -> set[type[BaseModel]]:
    """Returns every model that is written without nulls, and every model in one."""
    found: set[type[BaseModel]] = set()
    waiting: list[type[BaseModel]] = list(Inside.__subclasses__())
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += [part for field in one.model_fields.values() for part in models_in(field.annotation)]
    return found


def models_in(hint: Any) -> Iterator[type[BaseModel]]:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint
    for inner in get_args(hint):
        yield from models_in(inner)


@pytest.mark.parametrize("model", sorted(inside(), key=str), ids=str)
def test_what_may_be_none_is_none_where_nothing_is_written(model: type[BaseModel]) -> None:
    """Else a message without its nulls could not be read, or would mean something else."""
    for name, field in model.model_fields.items():
        if NoneType in get_args(field.annotation):
            assert field.default is None, f"{model.__name__}.{name}"


async def test_our_own_messages_are_written_without_nulls_and_read_whole() -> None:
    result = ModelResult(
        turn_row="t", message_id="m", calls=(ModelCall(index=0, call_id="c", tool="find", context={"who": None}),)
    )
    (payload,) = await data_converter().encode([result])
    assert payload.metadata["encoding"] == b"json/plain"
    (call,) = json.loads(payload.data)["calls"]
    assert call == {"index": 0, "call_id": "c", "tool": "find", "allow_skip": False, "context": {"who": None}}
    assert await data_converter().decode([payload], [ModelResult]) == [result]


async def test_a_field_that_says_what_a_message_is_stays() -> None:
    (payload,) = await data_converter().encode([ToolResult(status="ask")])
    assert json.loads(payload.data) == {"status": "ask", "changes": []}


async def test_what_other_workflows_read_keeps_its_nulls() -> None:
    """The contract names these fields: whoever reads them with another SDK finds them."""
    verdicts = JudgeResult(verdicts=(Verdict(effect="allow", digest="sha256:0"),))
    outcome, judged = await data_converter().encode([Outcome(status="expired", digest="sha256:0"), verdicts])
    assert json.loads(outcome.data)["decision"] is None
    assert json.loads(judged.data)["verdicts"][0].keys() >= {"effect", "rule", "reason", "title", "terms", "digest"}
