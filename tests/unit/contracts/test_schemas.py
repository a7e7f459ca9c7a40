"""The published JSON Schemas are the contracts'."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ValidationError

from placet.contracts.approvals import ApprovalInput
from placet.contracts.decisions import DecideInput, DecisionBody
from placet.contracts.events import EVENT_TYPES

ROOT: Final = Path(__file__).parents[3]
FOLDER: Final = ROOT / "docs" / "reference" / "schemas"
CALL: Final = {"kind": "tool_call", "tool": "refund", "title": "t"}
QUESTION: Final = {"kind": "question", "title": "t", "questions": [{"question": "q", "options": ["a", {"label": "b"}]}]}
DECIDE: Final = {"type": "approve", "digest": "sha256:0"}


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The program that writes the schemas."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "tools"), *sys.path])
    yield importlib.import_module("schemas")
    for name in ("schemas", "reference_models"):
        sys.modules.pop(name, None)


def schema(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / name).read_text("utf-8"))


def test_the_schemas_are_current(tool: ModuleType) -> None:
    """`make docs` writes them."""
    stale: Callable[[Path], list[str]] = tool.stale
    assert stale(FOLDER) == []


def test_a_schema_that_says_something_else_is_noticed(tool: ModuleType, tmp_path: Path) -> None:
    write: Callable[[Path], None] = tool.write
    stale: Callable[[Path], list[str]] = tool.stale
    write(tmp_path)
    assert stale(tmp_path) == []
    (tmp_path / "decide-input.json").write_text("{}")
    (tmp_path / "run.started.json").unlink()
    (tmp_path / "of-nothing.json").write_text("{}")
    assert stale(tmp_path) == ["decide-input.json", "of-nothing.json", "run.started.json"]
    write(tmp_path)
    assert stale(tmp_path) == []


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.name)
def test_each_file_is_a_schema(path: Path) -> None:
    Draft202012Validator.check_schema(json.loads(path.read_text("utf-8")))


def test_every_event_has_one() -> None:
    assert {f"{name}.json" for name in EVENT_TYPES} <= {path.name for path in FOLDER.glob("*.json")}


def test_what_only_our_own_processes_use_is_not_published() -> None:
    """`seal`, say, or the places in a run: nobody may build on them."""
    private = {"seal", "args_ref", "args_schema_ref", "turn", "index", "run_id", "received_at"}
    assert not private & schema("approval-input.json")["properties"].keys()
    assert not private & schema("decide-input.json")["properties"].keys()


def problems(name: str, sent: dict[str, Any]) -> list[str]:
    """Returns what the published schema says against something sent."""
    validator = Draft202012Validator(schema(name))
    return [error.message for error in validator.iter_errors(sent)]  # pyright: ignore[reportUnknownMemberType]


ACCEPTED: Final[list[tuple[str, type[BaseModel], dict[str, Any]]]] = [
    ("approval-input.json", ApprovalInput, CALL),
    ("approval-input.json", ApprovalInput, {**CALL, "args": {"a": [1, None]}, "expires_after": "3d", "context": {}}),
    ("approval-input.json", ApprovalInput, {**CALL, "args_text": "{}", "source": {"sdk": "go"}, "later": 1}),
    (
        "approval-input.json",
        ApprovalInput,
        {**CALL, "decisions": ["approve"], "approvers": ["user:dana"], "risk": "low"},
    ),
    ("approval-input.json", ApprovalInput, QUESTION),
    ("approval-input.json", ApprovalInput, {**QUESTION, "questions": [{"question": "q", "allow_text": True}]}),
    ("decide-input.json", DecideInput, {**DECIDE, "by": "user:dana"}),
    ("decide-input.json", DecideInput, {**DECIDE, "by": {"id": "user:dana", "name": "Dana"}, "later": 1}),
    ("decide-input.json", DecideInput, {**DECIDE, "answers": {"q1": {"options": ["1"], "text": None}}}),
    ("decision-body.json", DecisionBody, {**DECIDE, "args": {"a": 1}, "message": "m", "answers": {"q1": {}}}),
]
REFUSED: Final[list[tuple[str, type[BaseModel], dict[str, Any]]]] = [
    ("approval-input.json", ApprovalInput, {}),
    ("approval-input.json", ApprovalInput, {**CALL, "kind": "call"}),
    ("approval-input.json", ApprovalInput, {"kind": "tool_call", "title": "t"}),
    ("approval-input.json", ApprovalInput, {**CALL, "tool": None}),
    ("approval-input.json", ApprovalInput, {**CALL, "tool": ""}),
    ("approval-input.json", ApprovalInput, {**CALL, "title": ""}),
    ("approval-input.json", ApprovalInput, {**CALL, "title": "x" * 501}),
    ("approval-input.json", ApprovalInput, {**CALL, "args": []}),
    ("approval-input.json", ApprovalInput, {**CALL, "questions": QUESTION["questions"]}),
    ("approval-input.json", ApprovalInput, {**CALL, "decisions": []}),
    ("approval-input.json", ApprovalInput, {**CALL, "decisions": ["answer"]}),
    ("approval-input.json", ApprovalInput, {**CALL, "approvers": []}),
    ("approval-input.json", ApprovalInput, {**CALL, "expires_after": "soon"}),
    ("approval-input.json", ApprovalInput, {**CALL, "risk": "none"}),
    ("approval-input.json", ApprovalInput, {"kind": "question", "title": "t"}),
    ("approval-input.json", ApprovalInput, {**QUESTION, "questions": []}),
    ("approval-input.json", ApprovalInput, {**QUESTION, "questions": [{"question": "q"}]}),
    ("approval-input.json", ApprovalInput, {**QUESTION, "questions": [{"question": "q", "options": [1]}]}),
    ("approval-input.json", ApprovalInput, {**QUESTION, "questions": [{"question": "q", "allow_text": True}] * 5}),
    ("decide-input.json", DecideInput, {"type": "approve"}),
    ("decide-input.json", DecideInput, {"digest": "d"}),
    ("decide-input.json", DecideInput, {**DECIDE, "args": [1]}),
    ("decide-input.json", DecideInput, {**DECIDE, "by": 5}),
    ("decide-input.json", DecideInput, {**DECIDE, "decision_id": "x" * 201}),
    ("decision-body.json", DecisionBody, {**DECIDE, "stranger": 1}),
    ("decision-body.json", DecisionBody, {**DECIDE, "answers": {"q1": {"stranger": 1}}}),
]


@pytest.mark.parametrize(("name", "model", "sent"), ACCEPTED)
def test_what_the_code_takes_the_schema_takes(name: str, model: type[BaseModel], sent: dict[str, Any]) -> None:
    assert model.model_validate(sent)
    assert problems(name, sent) == []


@pytest.mark.parametrize(("name", "model", "sent"), REFUSED)
def test_what_the_schema_refuses_the_code_refuses(name: str, model: type[BaseModel], sent: dict[str, Any]) -> None:
    assert problems(name, sent)
    with pytest.raises(ValidationError):
        model.model_validate(sent)
