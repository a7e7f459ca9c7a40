"""LangChain's tools, and what of them cannot be trusted with arguments that a person was shown.

LangChain drops arguments that it does not know, takes some names for its own, and reads arguments that look like one of
its tool calls as one. Each of these is refused when the tool is loaded, or cannot happen here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, Final, get_args, get_type_hints

from langchain_core.messages.tool import ToolCall
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, InjectedToolCallId, StructuredTool
from langchain_core.tools import Tool as SingleInputTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel

from placet.agents._functions import mentions
from placet.agents._held import misfits_of
from placet.agents._results import Content, content_of_message
from placet.agents._schemas import JsonSchema, Misfit, closed, plain

_LANGCHAINS_OWN: Final = frozenset({"callbacks", "config", "run_manager"})
"""Arguments that a StructuredTool replaces by its own, or swallows."""


_MANY: Final = frozenset({inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL})


class LangChainBody:
    """A LangChain tool."""

    def __init__(self, tool: BaseTool) -> None:
        """Takes a tool whose arguments arrive as they are shown.

        Raises:
            TypeError: They would not, or it needs what only LangGraph has.
        """
        self._tool = tool
        self._model = _model_of(tool)
        if self._model is not None:
            _check_model(tool, self._model)
        self.args_schema: JsonSchema = _schema_of(tool, self._model)
        _check_names(tool, self.args_schema.get("properties", {}))

    def misfits(self, args: Mapping[str, Any]) -> list[Misfit]:
        """Returns why the tool cannot get exactly these arguments."""
        return [] if self._model is None else misfits_of(self._model, args)

    async def run(self, args: Mapping[str, Any], config: RunnableConfig) -> Content:
        """Runs the tool; one that is not async in the loop's executor.

        Raises:
            Exception: Whatever the tool raises; ToolException where it handled its own error.
        """
        call_id = str((config.get("metadata") or {}).get("placet_call_id") or "call")
        # As a whole call: a dict of arguments that has a `type` could be taken for one.
        call = ToolCall(type="tool_call", id=call_id, name=self._tool.name, args=deepcopy(dict(args)))
        return content_of_message(await self._tool.ainvoke(call, config))


def _model_of(tool: BaseTool) -> type[BaseModel] | None:
    """Returns the model that shows what arguments a model may give; None where the tool has a JSON Schema or a text."""
    if isinstance(tool, SingleInputTool) and tool.args_schema is None:
        return None
    shown = tool.tool_call_schema
    if isinstance(shown, dict):
        return None
    if not issubclass(shown, BaseModel):
        message = "its args_schema is a model of pydantic 1; use pydantic 2"
        raise TypeError(message)
    return shown


def _schema_of(tool: BaseTool, model: type[BaseModel] | None) -> JsonSchema:
    if model is not None:
        return closed(plain(model.model_json_schema()))
    if isinstance(tool.args_schema, dict):
        given: JsonSchema = deepcopy(tool.args_schema)
        if not _takes_anything(tool):
            given.setdefault("type", "object")
            given.setdefault("properties", {})
            given.setdefault("additionalProperties", False)
        return given
    return closed(plain(convert_to_openai_tool(tool)["function"]["parameters"]))


def _check_model(tool: BaseTool, shown: type[BaseModel]) -> None:
    for name, field in shown.model_fields.items():
        if mentions(field.annotation, RunnableConfig):
            message = (
                f"its argument {name} would let the model write a RunnableConfig: annotate it RunnableConfig alone"
            )
            raise TypeError(message)
    full = tool.args_schema
    if not isinstance(full, type) or not issubclass(full, BaseModel):
        return
    for name, field in full.model_fields.items():
        alias = field.validation_alias or field.alias
        if alias not in {None, name}:
            message = f"its argument {name} has another name, {alias}, which LangChain does not show"
            raise TypeError(message)


def _check_names(tool: BaseTool, shown: Mapping[str, object]) -> None:
    """Refuses an argument that does not reach the tool's function, and a parameter that nobody would fill."""
    function = _function_of(tool)
    if function is None:
        return
    taken = sorted(_LANGCHAINS_OWN & shown.keys()) if isinstance(tool, StructuredTool) else []
    if taken:
        message = f"LangChain takes its argument {taken[0]} for its own: rename it"
        raise TypeError(message)
    parameters = inspect.signature(function).parameters
    if isinstance(tool, SingleInputTool):
        return
    lost = [name for name in shown if name not in parameters]
    if lost and not _takes_anything(tool):
        message = f"its function has no parameter {lost[0]}"
        raise TypeError(message)
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and name not in shown and not _filled(function, parameter):
            message = f"nobody fills its parameter {name}; what LangGraph injects is not there"
            raise TypeError(message)


def _filled(function: Callable[..., Any], parameter: inspect.Parameter) -> bool:
    """Returns whether LangChain fills a parameter by itself."""
    if parameter.kind in _MANY or parameter.name in _LANGCHAINS_OWN:
        return True
    try:
        hint = get_type_hints(function, include_extras=True).get(parameter.name)
    except NameError:
        return False
    if mentions(hint, RunnableConfig):
        return True
    given = get_args(hint)[1:]
    return any(one is InjectedToolCallId or isinstance(one, InjectedToolCallId) for one in given)


def _takes_anything(tool: BaseTool) -> bool:
    function = _function_of(tool)
    parameters = inspect.signature(function).parameters.values() if function else ()
    return any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)


def _function_of(tool: BaseTool) -> Callable[..., Any] | None:
    """Returns what gets the arguments in the end."""
    if isinstance(tool, StructuredTool | SingleInputTool):
        return tool.func or tool.coroutine
    overridden = type(tool)._arun is not BaseTool._arun  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    return tool._arun if overridden else tool._run  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
