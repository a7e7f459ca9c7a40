"""What the model is shown of each kind of type, and that the function gets exactly what was shown."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, NamedTuple, NotRequired
from uuid import UUID

import pytest
from langchain.chat_models import init_chat_model
from langchain_core.tools import InjectedToolArg, InjectedToolCallId, StructuredTool, tool
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from placet.agents import Tool, tool_of

Json = dict[str, Any]


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


class Line(BaseModel):
    item: str
    count: int = 1


class Order(BaseModel):
    lines: list[Line]
    first: Line | None = None
    by_name: dict[str, Line] = {}


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str] = []


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int


class Node(BaseModel):
    name: str
    inner: list[Node] = []


@dataclass
class Address:
    street: str
    city: str = "Bern"


class Options(TypedDict):
    fast: bool
    note: NotRequired[str]


class Point(NamedTuple):
    x: int
    y: int


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]
CAT, DOG = {"kind": "cat", "lives": 9}, {"kind": "dog", "tricks": ["sit"]}
ID = "7d444840-9dc0-11d1-b245-5ffdce74fad2"

CASES: dict[str, tuple[Any, list[tuple[Any, Any]], list[Any]]] = {
    # type: what goes in and what the function sees, what is refused
    "int": (int, [(7, 7), (2**70 + 1, 2**70 + 1)], ["7", 7.5, True, None, [7]]),
    "float": (float, [(1.5, 1.5), (1, 1.0)], ["1.5", True, None, 2**53 + 1]),
    "bool": (bool, [(True, True)], ["true", 1, 0, None]),
    "str": (str, [("7", "7"), ("", ""), (" é\n", " é\n")], [7, True, None, ["7"]]),
    "optional": (int | None, [(7, 7), (None, None)], ["7", 7.5, "null"]),
    "int or str": (int | str, [(7, 7), ("7", "7")], [7.5, None, True]),
    "str or int": (str | int, [(7, 7), ("7", "7")], [7.5, None]),
    "float or int": (float | int, [(7, 7), (7.5, 7.5)], ["7"]),
    "bool or str": (bool | str, [("true", "true"), (True, True)], [1]),
    "str or date": (str | date, [("2026-01-31", "2026-01-31")], [7]),
    "literal": (Literal["s", "m", 3], [("s", "s"), (3, 3)], ["3", "l", None]),
    "enum": (Colour, [("red", Colour.RED)], ["RED", "green", 0]),
    "enum of numbers": (Size, [(2, Size.LARGE)], ["2", 3, "LARGE"]),
    "model": (Line, [({"item": "cup"}, Line(item="cup"))], [{"item": "cup", "price": 1}, {}, "cup", {"item": 7}]),
    "nested": (
        Order,
        [({"lines": [{"item": "cup"}], "first": None}, Order(lines=[Line(item="cup")]))],
        [{"lines": [{"item": "cup", "x": 1}]}, {"lines": [], "by_name": {"a": {"item": 1}}}, {"lines": {}}],
    ),
    "list of models": (list[Line], [([], []), ([{"item": "a"}], [Line(item="a")])], [[{}], {"item": "a"}, ["a"]]),
    "list of numbers": (list[float], [([1, 2.5], [1.0, 2.5])], [["1"], [None], 1, [[1]]]),
    "dict": (dict[str, int], [({}, {}), ({"a": 1, "b c": 2}, {"a": 1, "b c": 2})], [{"a": "1"}, {"a": 1.5}, []]),
    "dict of lists": (dict[str, list[int]], [({"a": [1]}, {"a": [1]})], [{"a": 1}, {"a": ["1"]}]),
    "any": (Any, [(None, None), ({"a": [1, "1"]}, {"a": [1, "1"]})], []),
    "discriminated": (
        Pet,
        [(CAT, Cat(kind="cat", lives=9)), (DOG, Dog(kind="dog", tricks=["sit"]))],
        [{"kind": "cow"}, {"kind": "cat", "tricks": []}, {**CAT, "tricks": []}, {"lives": 9}, {"kind": "cat"}],
    ),
    "models without a mark": (Line | Address, [({"item": "a"}, Line(item="a"))], [{"item": "a", "street": "b"}, {}]),
    "pets": (list[Pet], [([CAT, DOG], [Cat(kind="cat", lives=9), Dog(kind="dog", tricks=["sit"])])], [[{}]]),
    "open": (Open, [({"a": 1, "b": "1"}, Open.model_validate({"a": 1, "b": "1"}))], [{"b": 1}, {"a": "1"}]),
    "holds itself": (Node, [({"name": "a", "inner": [{"name": "b"}]}, Node(name="a", inner=[Node(name="b")]))], [{}]),
    "dataclass": (Address, [({"street": "Elm"}, Address("Elm"))], [{"street": 7}, {"street": "Elm", "zip": 1}]),
    "typed dict": (Options, [({"fast": True}, {"fast": True})], [{"fast": 1}, {"fast": True, "x": 1}, {}]),
    "tuple": (tuple[int, str], [([1, "a"], (1, "a"))], [[1], [1, "a", 2], ["1", "a"]]),
    "named tuple": (Point, [([1, 2], Point(1, 2))], [[1], ["1", 2]]),
    "set": (set[int], [([1, 2], {1, 2})], [[1, 1], ["1"]]),
    "date": (date, [("2026-01-31", date(2026, 1, 31))], ["2026-02-30", "soon", 7]),
    "datetime": (
        datetime,
        [("2026-01-31T10:00:00Z", datetime(2026, 1, 31, 10, tzinfo=UTC))],
        ["2026-13-01T00:00:00Z", 1700000000],
    ),
    "time": (time, [("10:30:00", time(10, 30))], ["25:00", 7]),
    "timedelta": (timedelta, [("P1DT2H", timedelta(days=1, hours=2))], ["a day", 7]),
    "uuid": (UUID, [(ID, UUID(ID))], ["7d444840", 7]),
    "decimal": (Decimal, [("19.90", Decimal("19.90")), (19.99, Decimal("19.99"))], ["a lot", None, True]),
    "positive": (Annotated[int, Field(gt=0, le=9)], [(9, 9)], [0, 10, "9"]),
    "pattern": (Annotated[str, Field(pattern="^A-[0-9]+$", max_length=4)], [("A-12", "A-12")], ["B-1", "A-123", 7]),
}


def seeing(hint: Any, seen: list[Any], **default: Any) -> Callable[..., str]:
    def function(value: Any) -> str:
        """See a value."""
        seen.append(value)
        return "seen"

    function.__annotations__ = {"value": hint, "return": str}
    function.__defaults__ = tuple(default.values())
    return function


def made(kind: str, hint: Any, seen: list[Any], **default: Any) -> Tool:
    function = seeing(hint, seen, **default)
    return tool_of(StructuredTool.from_function(function) if kind == "LangChain's" else function)


KINDS = pytest.mark.parametrize("kind", ["plain", "LangChain's"])


@KINDS
@pytest.mark.parametrize("name", CASES)
async def test_the_function_gets_what_was_shown(kind: str, name: str) -> None:
    hint, good, bad = CASES[name]
    seen: list[Any] = []
    shown = made(kind, hint, seen)
    for value, expected in good:
        args = {"value": value}
        before = json.dumps(args)
        assert shown.validate(args) == [], value
        await shown.run(args, {})
        assert seen[-1] == expected
        assert type(seen[-1]) is type(expected)
        assert json.dumps(args) == before
    for value in bad:
        assert shown.validate({"value": value}) != [], value
        assert shown.validate({"value": value})[0].pointer.startswith("/value")
    assert shown.validate({}) != []
    assert shown.validate({"value": good[0][0], "more": 1}) != []


@KINDS
@pytest.mark.parametrize("name", CASES)
async def test_what_may_be_left_out_is_the_functions_own_default(kind: str, name: str) -> None:
    hint, _, bad = CASES[name]
    default = object() if kind == "plain" else None
    seen: list[Any] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shown = made(kind, hint, seen, value=default)
    assert shown.validate({}) == []
    await shown.run({}, {})
    assert seen[-1] is default
    assert "required" not in shown.args_schema
    if bad:
        assert shown.validate({"value": bad[0]}) != []


def tools() -> list[Tool]:
    return [made(kind, case[0], []) for kind in ("plain", "LangChain's") for case in CASES.values()]


def test_schemas_are_plain_enough_for_every_provider() -> None:
    for shown in tools():
        schema = shown.args_schema
        text = json.dumps(schema)
        assert (schema["type"], schema["additionalProperties"]) == ("object", False)
        assert "title" not in schema["properties"]["value"]
        assert "discriminator" not in text
        assert ("$ref" in text) == ("$defs" in text)
        assert "$ref" not in text or "Node" in text, "only what holds itself needs a reference"


def parameters_of(sent: Json) -> Json:
    inner = sent.get("function", sent)
    return inner.get("parameters") or inner["input_schema"]


@pytest.mark.parametrize("model", ["openai:gpt-5-mini", "openai:gpt-5-codex", "anthropic:claude-haiku-5-5"])
def test_the_provider_is_sent_exactly_what_arguments_are_checked_against(model: str) -> None:
    shown = tools()
    bound: Any = init_chat_model(model, api_key="sk-none").bind_tools([one.schema_for_model() for one in shown])
    payload = bound.bound._get_request_payload("Hi", **bound.kwargs)  # noqa: SLF001 - the bytes, without a socket
    sent = payload["tools"]
    assert [json.dumps(parameters_of(one)) for one in sent] == [json.dumps(one.args_schema) for one in shown]
    for one in (given.get("function", given) for given in sent):
        assert (one["name"], one["description"]) == ("function", "See a value.")
        assert not one.get("strict"), "a strict schema is another one than the one that is checked"


@KINDS
def test_what_is_said_of_an_argument_is_shown(kind: str) -> None:
    for hint in (Annotated[int, "The order's number"], Annotated[int, Field(description="The order's number")]):
        assert made(kind, hint, []).args_schema["properties"]["value"] == {
            "type": "integer",
            "description": "The order's number",
        }


def test_a_choice_is_shown_as_a_choice() -> None:
    def show(hint: Any) -> Any:
        return made("plain", hint, []).args_schema["properties"]["value"]

    assert show(Colour) == {"type": "string", "enum": ["red", "blue"]}
    assert show(Literal["s", "m"]) == {"type": "string", "enum": ["s", "m"]}
    assert show(int | None) == {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert [one["properties"]["kind"]["const"] for one in show(Pet)["oneOf"]] == ["cat", "dog"]


async def test_what_langchain_fills_by_itself_is_hidden_and_cannot_be_written() -> None:
    @tool
    def look(
        order_id: int,
        call: Annotated[str, InjectedToolCallId],
        state: Annotated[Json | None, InjectedToolArg] = None,
    ) -> str:
        """Look."""
        return f"{order_id} {call} {state}"

    shown = tool_of(look)
    assert list(shown.args_schema["properties"]) == ["order_id"]
    assert shown.validate({"order_id": 7, "call": "forged"}) != []
    assert shown.validate({"order_id": 7, "state": {}}) != []
    assert await shown.run({"order_id": 7}, {"metadata": {"placet_call_id": "call_7"}}) == "7 call_7 None"


@pytest.mark.parametrize("mark", [InjectedToolArg, InjectedToolArg(), InjectedToolCallId, InjectedToolCallId()])
def test_a_plain_function_with_what_only_langchain_fills_is_refused(mark: Any) -> None:
    with pytest.raises(TypeError, match="value is one that LangChain fills"):
        made("plain", Annotated[str, mark], [])


@pytest.mark.parametrize("word", ["anyOf", "oneOf", "allOf"])
def test_a_schema_that_providers_refuse_is_refused_when_it_is_loaded(word: str) -> None:
    def anything(**arguments: Any) -> Any:
        return arguments

    schema: Json = {word: [{"type": "object", "properties": {"a": {"type": "integer"}}}]}
    with pytest.raises(TypeError, match=f"{word} at its root"):
        tool_of(StructuredTool(name="t", description="", args_schema=schema, func=anything))
