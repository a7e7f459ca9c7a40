"""A plain typed function as a tool: what is shown is what runs, and nothing is guessed, dropped or filled in."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import partial, wraps
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from langchain_core.runnables import RunnableConfig
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from placet.agents import Tool, ToolStoppedError, tool_of

Json = dict[str, Any]


class Line(BaseModel):
    item: str
    count: int = 1


@dataclass
class Address:
    street: str
    city: str = "Bern"


class Options(TypedDict, total=False):
    fast: bool


class Node(BaseModel):
    name: str
    children: list[Node] = []


class Colour(StrEnum):
    RED = "red"


async def run(tool: Tool, **args: Any) -> object:
    assert tool.validate(args) == []
    return await tool.run(args, {})


def of(function: Callable[..., object]) -> Tool:
    return tool_of(function)


def pointers(tool: Tool, **args: Any) -> list[str]:
    return [problem.pointer for problem in tool.validate(args)]


def order(order_id: int, items: list[Line], to: Address, options: Options, note: str = "none") -> str:
    """Order something.

    What is out of stock is not ordered.
    """
    return f"{order_id} {items} {to} {options} {note}"


def test_name_description_and_schema_come_from_the_function() -> None:
    tool = of(order)
    assert tool.name == "order"
    assert tool.description.startswith("Order something.\n\nWhat is")
    assert tool.args_schema == {
        "type": "object",
        "properties": {
            "order_id": {"type": "integer"},
            "items": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"item": {"type": "string"}, "count": {"type": "integer", "default": 1}},
                    "required": ["item"],
                    "additionalProperties": False,
                },
            },
            "to": {
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string", "default": "Bern"}},
                "required": ["street"],
                "additionalProperties": False,
            },
            "options": {
                "type": "object",
                "properties": {"fast": {"type": "boolean"}},
                "additionalProperties": False,
            },
            "note": {"type": "string", "default": "none"},
        },
        "required": ["order_id", "items", "to", "options"],
        "additionalProperties": False,
    }


async def test_the_function_gets_its_own_types() -> None:
    result = await run(of(order), order_id=1, items=[{"item": "cup"}], to={"street": "Elm"}, options={"fast": True})
    assert result == "1 [Line(item='cup', count=1)] Address(street='Elm', city='Bern') {'fast': True} none"


GOOD: Json = {"order_id": 1, "items": [{"item": "cup"}], "to": {"street": "Elm"}, "options": {}}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"order_id": "1"}, "/order_id"),
        ({"order_id": 1.5}, "/order_id"),
        ({"order_id": True}, "/order_id"),
        ({"order_id": None}, "/order_id"),
        ({"unknown": 1}, ""),
        ({"self": 1}, ""),
        ({"config": {}}, ""),
        ({"items": [{"item": "cup", "price": 0}]}, "/items/0"),
        ({"items": {"item": "cup"}}, "/items"),
        ({"to": {"street": "Elm", "zip": 1}}, "/to"),
        ({"options": {"slow": True}}, "/options"),
        ({"options": {"fast": "yes"}}, "/options/fast"),
        ({"items": [{"item": "a"}, {"item": 5}]}, "/items/1/item"),
    ],
)
def test_what_pydantic_would_coerce_or_drop_is_refused(change: Json, pointer: str) -> None:
    assert pointers(of(order), **(GOOD | change)) == [pointer]


def test_what_is_missing_is_refused() -> None:
    assert "'order_id' is a required property" in of(order).validate({})[0].message


async def test_a_default_is_the_functions_own_and_is_not_filled_in_before() -> None:
    seen: list[Json] = []

    def note(text: str = "default", **more: int) -> None:
        seen.append({"text": text} | more)

    args: Json = {}
    assert of(note).validate(args) == []
    await of(note).run(args, {})
    assert (args, seen) == ({}, [{"text": "default"}])


def test_only_a_function_that_takes_anything_takes_anything() -> None:
    def anything(a: int, **more: Any) -> None: ...

    assert of(anything).args_schema["additionalProperties"] is True
    assert of(anything).validate({"a": 1, "b": {"c": [1]}}) == []
    assert pointers(of(anything), a="1", b=2) == ["/a"]


async def test_further_arguments_arrive_as_they_were_shown() -> None:
    def anything(**more: Any) -> Any:
        return more

    def after(a: int, **more: Any) -> Any:
        return [a, more]

    assert await run(of(anything), schema={"x": 2**70}) == '{"schema":{"x":1180591620717411303424}}'
    assert await run(of(after), a=1, p0=2, p1=3) == '[1,{"p0":2,"p1":3}]'


async def test_arguments_may_be_called_anything() -> None:
    """Names that pydantic or LangChain keep for themselves elsewhere."""

    def odd(schema: str, copy: str, model_config: str, config: str, callbacks: str, _hidden: str, cls: str) -> str:
        return f"{schema},{copy},{model_config},{config},{callbacks},{_hidden},{cls}"

    names = ("schema", "copy", "model_config", "config", "callbacks", "_hidden", "cls")
    assert list(of(odd).args_schema["properties"]) == list(names)
    assert await run(of(odd), **{name: name for name in names}) == ",".join(names)


async def test_arguments_that_look_like_a_call_are_arguments() -> None:
    def create(type: str, id: str, args: dict[str, int], name: str) -> str:  # noqa: A002
        return f"{type} {id} {args} {name}"

    result = await run(of(create), type="tool_call", id="x", args={"y": 1}, name="z")
    assert result == "tool_call x {'y': 1} z"


@pytest.mark.parametrize("number", [2**53 + 1, 2**70 + 1, -(2**64) - 1, 10**300 + 1])
async def test_an_integer_keeps_every_digit(number: int) -> None:
    def exact(number: int) -> str:
        return str(number)

    assert await run(of(exact), number=number) == str(number)


@pytest.mark.parametrize("number", [2**53 + 1, 2**64 + 1, 10**400])
def test_an_integer_that_a_number_cannot_hold_is_refused_and_not_rounded(number: int) -> None:
    def pay(amount: float, parts: list[float] | None = None) -> None: ...

    assert pointers(of(pay), amount=number) == ["/amount"]
    assert pointers(of(pay), amount=1, parts=[1, number]) == ["/parts/1"]
    assert of(pay).validate({"amount": 2**53}) == []


async def test_a_decimal_is_what_was_written() -> None:
    def pay(amount: Annotated[Decimal, Field(gt=0, decimal_places=2)]) -> str:
        return str(amount)

    assert await run(of(pay), amount=19.99) == "19.99"
    assert pointers(of(pay), amount=19.999) == ["/amount"]
    assert pointers(of(pay), amount=0) == ["/amount"]


def test_nobody_is_asked_about_a_value_that_the_functions_types_refuse() -> None:
    def book(day: date, colour: Colour, size: Literal["s", "m"]) -> None: ...

    good: Json = {"day": "2026-02-28", "colour": "red", "size": "s"}
    assert of(book).validate(good) == []
    assert pointers(of(book), **(good | {"day": "2026-02-30"})) == ["/day"]
    assert pointers(of(book), **(good | {"colour": "blue"})) == ["/colour"]
    assert pointers(of(book), **(good | {"size": "l"})) == ["/size"]


def test_a_type_that_holds_itself_is_closed_at_every_depth() -> None:
    def plant(root: Node) -> None: ...

    tool = of(plant)
    assert tool.validate({"root": {"name": "a", "children": [{"name": "b"}]}}) == []
    assert pointers(tool, root={"name": "a", "children": [{"name": "b", "depth": 1}]}) == ["/root/children/0"]


async def test_a_function_that_is_not_async_runs_in_the_loops_executor() -> None:
    def where() -> str:
        return threading.current_thread().name

    async def here() -> str:
        return threading.current_thread().name

    mine = threading.current_thread().name
    assert await run(of(where)) != mine
    assert await run(of(here)) == mine


async def test_what_a_wrapped_async_function_gives_is_awaited() -> None:
    async def inner(a: int) -> int:
        await asyncio.sleep(0)
        return a

    @wraps(inner)
    def outer(*args: int, **kwargs: int) -> object:
        return inner(*args, **kwargs)

    assert await run(of(outer), a=3) == "3"


class Shop:
    def find(self, order_id: int) -> str:
        return f"order {order_id}"


async def test_a_method_of_an_object_is_a_function() -> None:
    assert await run(of(Shop().find), order_id=7) == "order 7"


async def test_what_a_function_raises_is_the_callers_business() -> None:
    def refund() -> None:
        message = "no money"
        raise ValueError(message)

    with pytest.raises(ValueError, match="no money"):
        await run(of(refund))


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
async def test_a_function_cannot_end_more_than_itself(error: type[BaseException]) -> None:
    def quits() -> None:
        raise error

    async def quits_too() -> None:
        raise error

    for function in (quits, quits_too):
        with pytest.raises(ToolStoppedError, match=error.__name__):
            await run(of(function))


@pytest.mark.timeout(10)
async def test_a_stop_iteration_ends_the_call_and_nobody_waits_for_ever() -> None:
    def stops() -> None:
        raise StopIteration

    with pytest.raises(RuntimeError, match="StopIteration"):
        await run(of(stops))


async def test_a_cancel_from_outside_stays_a_cancel() -> None:
    started = asyncio.Event()

    async def waits() -> None:
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(of(waits).run({}, {}))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def untyped(a: int, b: int) -> None: ...


del untyped.__annotations__["a"]


def by_place(a: int, /) -> None: ...


def many(*a: int) -> None: ...


def configured(a: int, config: RunnableConfig) -> None: ...


def perhaps_configured(a: int, config: RunnableConfig | None = None) -> None: ...


def yields(a: int) -> Iterator[int]:
    yield a


async def yields_too(a: int) -> AsyncIterator[int]:
    yield a


def unknown_type(a: int) -> None: ...


unknown_type.__annotations__["a"] = "Nowhere"


class Opaque:
    """Not a type that JSON could fill."""


def opaque(a: Opaque) -> None: ...


def ask_human(question: str) -> None: ...


@pytest.mark.parametrize(
    ("thing", "why"),
    [
        (untyped, "a has no type"),
        (by_place, "a cannot be given by name"),
        (many, "a cannot be given by name"),
        (configured, "with @tool"),
        (perhaps_configured, "with @tool"),
        (yields, "generator"),
        (yields_too, "generator"),
        (unknown_type, "Nowhere"),
        (opaque, "Opaque"),
        (ask_human, "built-in"),
        (lambda: None, "<lambda>"),
        (partial(order, 1), "partial"),
        (Shop, "a class"),
        (Shop(), "Shop"),
        (len, "builtin"),
        ("text", "str"),
        (None, "NoneType"),
    ],
)
def test_what_cannot_be_a_tool_is_refused_when_it_is_loaded(thing: object, why: str) -> None:
    with pytest.raises(Exception, match=why):
        tool_of(thing)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(args=st.dictionaries(st.sampled_from(["order_id", "items", "to", "options", "note", "x"]), _json))
def test_whatever_fits_is_what_runs(args: Json) -> None:
    """What the checks let through reaches the function with every key and every number as it was shown."""
    tool = of(order)
    if tool.validate(args):
        return
    assert Draft202012Validator(tool.args_schema).is_valid(args)  # pyright: ignore[reportUnknownMemberType]
    assert {"order_id", "items", "to", "options"} <= args.keys() <= {"order_id", "items", "to", "options", "note"}


def test_nothing_of_the_arguments_is_changed_by_looking_at_them() -> None:
    args: Json = {"order_id": 1, "items": [{"item": "cup"}], "to": {"street": "Elm"}, "options": {}}
    before = repr(args)
    assert of(order).validate(args) == []
    assert repr(args) == before
