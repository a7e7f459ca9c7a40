"""A LangChain tool: what is shown is what runs, also where LangChain itself would see to something else."""

from __future__ import annotations

import asyncio
import threading
from decimal import Decimal
from typing import Annotated, Any

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import (
    BaseTool,
    InjectedToolArg,
    InjectedToolCallId,
    StructuredTool,
    ToolException,
    tool,
)
from langchain_core.tools import Tool as SingleInputTool
from pydantic import BaseModel, Field

from placet.agents import Tool, tool_of

Json = dict[str, Any]
METADATA: Json = {
    "placet_idempotency_key": "r/0/1/0",
    "placet_approval_id": "a" * 32,
    "placet_approver": "user:dana",
    "placet_run_id": "r",
    "placet_call_id": "call_7",
}


class Line(BaseModel):
    item: str


async def run(made: Tool, **args: Any) -> object:
    assert made.validate(args) == []
    return await made.run(args, {"metadata": METADATA})


def pointers(made: Tool, **args: Any) -> list[str]:
    return [problem.pointer for problem in made.validate(args)]


@tool
def refund(order_id: int, amount: Annotated[Decimal, Field(gt=0)], config: RunnableConfig, note: str = "") -> str:
    """Refund an order."""
    metadata = config.get("metadata", {})
    return f"{order_id} {amount} {note!r} {metadata['placet_idempotency_key']} {metadata['placet_approver']}"


@tool
async def refund_async(order_id: int, config: RunnableConfig) -> Json:
    """Refund an order, asynchronously."""
    await asyncio.sleep(0)
    metadata = config.get("metadata", {})
    return {"order": order_id, "run": metadata["placet_run_id"], "approval": metadata["placet_approval_id"]}


def test_what_langchain_injects_is_not_shown_and_the_rest_is_closed() -> None:
    schema = tool_of(refund).args_schema
    assert schema["properties"].keys() == {"order_id", "amount", "note"}
    assert schema["properties"]["amount"]["anyOf"][0] == {"exclusiveMinimum": 0.0, "type": "number"}
    assert schema["properties"]["note"] == {"type": "string", "default": ""}
    assert (schema["required"], schema["additionalProperties"]) == (["order_id", "amount"], False)
    assert tool_of(refund).description == "Refund an order."


async def test_the_call_reaches_the_tool_through_the_metadata_of_its_config() -> None:
    assert await run(tool_of(refund), order_id=7, amount=19.99) == "7 19.99 '' r/0/1/0 user:dana"
    assert await run(tool_of(refund_async), order_id=7) == ('{"order": 7, "run": "r", "approval": "' + "a" * 32 + '"}')


@pytest.mark.parametrize("name", ["config", "metadata", "run_manager", "callbacks", "placet_approver", "self"])
def test_the_model_cannot_write_what_langchain_injects(name: str) -> None:
    forged = {"metadata": {"placet_approver": "user:mallory"}}
    assert pointers(tool_of(refund), order_id=1, amount=1, **{name: forged}) == [""]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [({"order_id": "7"}, "/order_id"), ({"order_id": 7.5}, "/order_id"), ({"amount": 0}, "/amount")],
)
def test_the_schema_is_checked_before_pydantic_coerces(change: Json, pointer: str) -> None:
    assert pointers(tool_of(refund), **({"order_id": 7, "amount": 1} | change)) == [pointer]


def test_an_argument_that_langchain_would_drop_is_refused() -> None:
    @tool
    def order(lines: list[Line], first: Line) -> str:
        """Order."""
        return f"{lines} {first}"

    good: Json = {"lines": [{"item": "a"}], "first": {"item": "b"}}
    made = tool_of(order)
    assert made.validate(good) == []
    assert pointers(made, **good, more=1) == [""]
    assert pointers(made, **(good | {"first": {"item": "b", "price": 1}})) == ["/first"]
    assert pointers(made, **(good | {"lines": [{"item": "b", "price": 1}]})) == ["/lines/0"]


def test_a_tool_without_arguments_takes_none() -> None:
    @tool
    def ping() -> str:
        """Ping."""
        return "pong"

    assert pointers(tool_of(ping), anything=1) == [""]


def test_an_integer_that_a_number_cannot_hold_is_refused() -> None:
    @tool
    def pay(amount: float) -> str:
        """Pay."""
        return str(amount)

    assert pointers(tool_of(pay), amount=2**53 + 1) == ["/amount"]


async def test_arguments_that_look_like_a_call_are_arguments() -> None:
    @tool
    def create(type: str, id: str, name: str) -> str:  # noqa: A002
        """Create."""
        return f"{type} {id} {name}"

    assert await run(tool_of(create), type="tool_call", id="x", name="y") == "tool_call x y"


async def test_a_tool_may_know_the_id_of_its_call() -> None:
    @tool
    def whoami(a: int, call: Annotated[str, InjectedToolCallId]) -> str:
        """Tell."""
        return f"{a} {call}"

    made = tool_of(whoami)
    assert list(made.args_schema["properties"]) == ["a"]
    assert await run(made, a=1) == "1 call_7"
    assert pointers(made, a=1, call="forged") == [""]


async def test_a_tool_with_a_json_schema_gets_its_arguments_unchanged() -> None:
    schema: Json = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}

    def function(**arguments: Any) -> Any:
        return arguments

    async def coroutine(**arguments: Any) -> Any:
        return arguments

    for one in (
        StructuredTool(name="t", description="d", args_schema=schema, func=function),
        StructuredTool(name="t", description="d", args_schema=schema, coroutine=coroutine),
    ):
        made = tool_of(one)
        assert made.args_schema == schema
        assert await run(made, a=2**70, b=[1.5]) == '{"a": 1180591620717411303424, "b": [1.5]}'
        assert pointers(made, a="1") == ["/a"]


def test_a_json_schema_whose_function_does_not_take_anything_is_closed() -> None:
    def function(a: int) -> int:
        return a

    schema: Json = {"properties": {"a": {"type": "integer"}}}
    made = tool_of(StructuredTool(name="t", description="d", args_schema=schema, func=function))
    assert made.args_schema["additionalProperties"] is False
    assert schema == {"properties": {"a": {"type": "integer"}}}, "the tool's own schema is left alone"


async def test_a_tool_of_one_text_gets_it() -> None:
    def upper(text: str) -> str:
        return text.upper()

    made = tool_of(SingleInputTool(name="upper", description="d", func=upper))
    assert await run(made, __arg1="a") == "A"
    assert pointers(made, text="a") == ["", ""]


class Counter(BaseTool):
    name: str = "counter"
    description: str = "Counts"

    def _run(self, start: int, by: int = 1) -> str:
        return f"{start + by} in {threading.current_thread().name}"


class AsyncCounter(BaseTool):
    name: str = "counter"
    description: str = "Counts"

    def _run(self, start: int) -> int:
        raise NotImplementedError

    async def _arun(self, start: int) -> int:
        return start + 1


async def test_a_class_of_ones_own_is_a_tool() -> None:
    result = await run(tool_of(Counter()), start=1)
    assert isinstance(result, str)
    assert result.startswith("2 in ")
    assert not result.endswith(threading.current_thread().name), "not async: in the loop's executor"
    assert pointers(tool_of(Counter()), start=1, step=2) == [""]
    assert await run(tool_of(AsyncCounter()), start=1) == "2"


async def test_what_a_tool_raises_is_the_callers_business() -> None:
    @tool
    def fails() -> str:
        """Fail."""
        message = "no money"
        raise ValueError(message)

    with pytest.raises(ValueError, match="no money"):
        await run(tool_of(fails))


async def test_a_failure_that_a_tool_handles_is_still_a_failure() -> None:
    @tool
    def fails() -> str:
        """Fail."""
        message = "no money"
        raise ToolException(message)

    fails.handle_tool_error = True
    with pytest.raises(ToolException, match="no money"):
        await run(tool_of(fails))


async def test_a_message_that_a_tool_gives_counts_by_its_content() -> None:
    @tool
    def tells(call: Annotated[str, InjectedToolCallId], status: str) -> ToolMessage:
        """Tell."""
        given = "error" if status == "error" else "success"
        return ToolMessage("told", tool_call_id=call, status=given)

    assert await run(tool_of(tells), status="ok") == "told"
    with pytest.raises(ToolException, match="told"):
        await run(tool_of(tells), status="error")


class Renamed(BaseModel):
    from_: str = Field(alias="from")


class Configured(BaseModel):
    config: Json


class Mismatch(BaseModel):
    amount: int


def refuses() -> list[tuple[object, str]]:
    @tool(args_schema=Renamed)
    def renamed(from_: str) -> str:
        """Rename."""
        return from_

    @tool(args_schema=Configured)
    def configured(config: Json) -> str:
        """Configure."""
        return str(config)

    @tool(args_schema=Mismatch)
    def mismatch(sum_: int) -> str:
        """Mismatch."""
        return str(sum_)

    @tool
    def perhaps(a: int, config: RunnableConfig | None = None) -> str:
        """Perhaps."""
        return f"{a} {config}"

    @tool
    def injected(a: int, state: Annotated[Json, InjectedToolArg]) -> str:
        """Inject."""
        return f"{a} {state}"

    @tool
    def variadic(args: list[int]) -> str:
        """Take what pydantic calls otherwise."""
        return str(args)

    remote: Json = {"properties": {"a": {"$ref": "https://example.com/schema.json"}}}
    local: Json = {"properties": {"a": {"type": "nonsense"}}}
    taken: Json = {"properties": {"run_manager": {"type": "integer"}}}

    def anything(**arguments: Any) -> Any:
        return arguments

    return [
        (renamed, "another name, from"),
        (configured, "takes its argument config for its own"),
        (mismatch, "no parameter amount"),
        (perhaps, "would let the model write a RunnableConfig"),
        (injected, "nobody fills its parameter state"),
        (variadic, "no parameter v__args"),
        (StructuredTool(name="t", description="", args_schema=remote, func=anything), "points outside itself"),
        (StructuredTool(name="t", description="", args_schema=local, func=anything), "no JSON Schema"),
        (StructuredTool(name="t", description="", args_schema=taken, func=anything), "run_manager for its own"),
        (StructuredTool(name="a b", description="", args_schema={}, func=anything), "other characters"),
        (StructuredTool(name="a\x1b", description="", args_schema={}, func=anything), "other characters"),
        (StructuredTool(name="ask_human", description="", args_schema={}, func=anything), "built-in"),
        (Counter, "a class"),
    ]


@pytest.mark.parametrize(("thing", "why"), refuses())
def test_a_tool_that_would_run_otherwise_than_it_is_shown_is_refused_when_it_is_loaded(thing: object, why: str) -> None:
    with pytest.raises(TypeError, match=why):
        tool_of(thing)
