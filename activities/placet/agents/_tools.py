"""Tools: LangChain's, or plain typed functions, behind one face.

What is shown must be what runs: the schema that the model reads is the one that arguments are checked
against, before pydantic coerces anything, and what it does not name is refused rather than dropped.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from referencing import Registry

from placet.contracts.canonical import canonical_text

Content = str | list[str | dict[str, Any]]
_MOST_PROBLEMS: Final = 10


@dataclass(frozen=True)
class Misfit:
    """One way in which arguments break a schema: a JSON Pointer and a sentence."""

    pointer: str
    message: str


@dataclass(frozen=True)
class Tool:
    """A tool of an agent.

    Attributes:
        name: As the model sees it.
        args_schema: JSON Schema of its arguments, closed unless the tool takes anything.
    """

    name: str
    description: str
    args_schema: dict[str, Any]
    langchain: BaseTool = field(repr=False)

    def validate(self, args: Mapping[str, Any]) -> list[Misfit]:
        """Returns how the arguments break the schema; an empty list where they fit."""
        validator = Draft202012Validator(self.args_schema, registry=Registry())
        errors = cast("list[ValidationError]", sorted(validator.iter_errors(dict(args)), key=_place))  # pyright: ignore[reportUnknownMemberType]
        return [Misfit(_pointer(error), error.message[:500]) for error in errors[:_MOST_PROBLEMS]]

    async def run(self, args: Mapping[str, Any], config: RunnableConfig) -> Content:
        """Runs the tool and returns its result as text or content blocks.

        Args:
            args: Arguments that fit the schema.
            config: What LangChain hands to a tool that asks for it; its metadata names the call.
        """
        return content_of(await self.langchain.ainvoke(dict(args), config))

    def schema_for_model(self) -> dict[str, Any]:
        """Returns the tool as providers want it."""
        function = {"name": self.name, "description": self.description, "parameters": self.args_schema}
        return {"type": "function", "function": function}


def tool_of(thing: object) -> Tool:
    """Returns the tool that a reference names.

    Raises:
        TypeError: It is neither a LangChain tool nor a function whose arguments have types.
    """
    if isinstance(thing, BaseTool):
        return _of_langchain(thing, takes_anything=False)
    if not callable(thing):
        message = f"{thing!r} is neither a LangChain tool nor a function"
        raise TypeError(message)
    return _of_function(cast("Callable[..., Any]", thing))


def content_of(result: object) -> Content:
    """Returns a tool's result as a message's content: text, content blocks, or JSON."""
    if isinstance(result, ToolMessage):
        return cast("Content", result.content)
    if isinstance(result, str):
        return result
    if isinstance(result, list) and result and all(_is_block(item) for item in cast("list[object]", result)):
        return cast("list[str | dict[str, Any]]", result)
    value = cast("Any", result)
    try:
        return canonical_text(value)
    except ValueError:
        return str(value)


def _of_function(function: Callable[..., Any]) -> Tool:
    parameters = inspect.signature(function).parameters.values()
    untyped = [one.name for one in parameters if one.annotation is one.empty and one.kind is not one.VAR_KEYWORD]
    if untyped:
        message = f"{function.__name__}: {', '.join(untyped)} has no type"
        raise TypeError(message)
    description = inspect.getdoc(function) or function.__name__
    if inspect.iscoroutinefunction(function):
        made = StructuredTool.from_function(
            coroutine=cast("Callable[..., Awaitable[Any]]", function), description=description
        )
    else:
        made = StructuredTool.from_function(func=function, description=description)
    takes_anything = any(one.kind is one.VAR_KEYWORD for one in parameters)
    return _of_langchain(made, takes_anything=takes_anything)


def _of_langchain(tool: BaseTool, *, takes_anything: bool) -> Tool:
    function = convert_to_openai_tool(tool)["function"]
    schema: dict[str, Any] = dict(function.get("parameters") or {"type": "object", "properties": {}})
    if not takes_anything:
        schema.setdefault("additionalProperties", False)
    Draft202012Validator.check_schema(schema)
    return Tool(tool.name, str(function.get("description") or tool.name), schema, tool)


def _is_block(item: object) -> bool:
    return isinstance(item, dict) and "type" in cast("dict[str, object]", item)


def _place(error: ValidationError) -> list[str]:
    return [str(part) for part in error.absolute_path]


def _pointer(error: ValidationError) -> str:
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in error.absolute_path)
    return "".join(f"/{part}" for part in parts)
