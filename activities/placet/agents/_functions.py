"""Plain typed functions as tools."""

from __future__ import annotations

import asyncio
import inspect
import warnings
from collections.abc import Callable, Mapping
from types import FunctionType, MethodType
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import InjectedToolArg
from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.json_schema import PydanticJsonSchemaWarning

from placet.agents._held import misfits_of
from placet.agents._results import Content, content_of
from placet.agents._schemas import JsonSchema, Misfit, closed, plain

_BY_NAME: Final = frozenset({inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY})


class FunctionBody:
    """A function, called with the arguments that were shown and nothing else."""

    def __init__(self, function: FunctionType | MethodType) -> None:
        """Reads the function's signature.

        Raises:
            TypeError: A parameter has no type, cannot be given by name, or is one that only a LangChain tool gets.
        """
        self._function: Callable[..., Any] = function
        self._model = _model_of(function)

    @property
    def args_schema(self) -> JsonSchema:
        """The JSON Schema of the arguments."""
        with warnings.catch_warnings():
            # A default that JSON cannot write is not shown; the function has it all the same.
            warnings.simplefilter("ignore", PydanticJsonSchemaWarning)
            return closed(plain(self._model.model_json_schema()))

    def misfits(self, args: Mapping[str, Any]) -> list[Misfit]:
        """Returns why the function cannot get exactly these arguments."""
        return misfits_of(self._model, args)

    async def run(self, args: Mapping[str, Any], config: RunnableConfig) -> Content:
        """Calls the function, one that is not async in the loop's executor; its own defaults stay its own."""
        del config
        held = self._model.model_validate(dict(args))
        fields = type(held).model_fields
        values = {fields[name].alias or name: getattr(held, name) for name in held.model_fields_set if name in fields}
        values |= held.model_extra or {}
        if inspect.iscoroutinefunction(self._function):
            return content_of(await self._function(**values))
        result = await asyncio.to_thread(_call, self._function, values)
        return content_of(await result if inspect.isawaitable(result) else result)


def _call(function: Callable[..., Any], values: dict[str, Any]) -> object:
    try:
        return function(**values)
    except StopIteration as error:
        # It cannot cross from a thread to a coroutine: who waits would wait for ever.
        message = "StopIteration"
        raise RuntimeError(message) from error


def _model_of(function: FunctionType | MethodType) -> type[BaseModel]:
    """Returns a model with a field for each parameter, whatever the parameter is called."""
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        message = "it is a generator; return a list"
        raise TypeError(message)
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        message = f"a type of it cannot be found: {error}"
        raise TypeError(message) from error
    fields: dict[str, Any] = {}
    open_ended = False
    for place, parameter in enumerate(inspect.signature(function).parameters.values()):
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            open_ended = True
            continue
        _check(parameter, hints)
        default = ... if parameter.default is parameter.empty else parameter.default
        hint = hints[parameter.name]
        about: dict[str, Any] = {"description": told} if (told := _told_about(hint)) else {}
        fields[f"p{place}"] = (hint, Field(default, alias=parameter.name, **about))
    config = ConfigDict(extra="allow" if open_ended else "forbid")
    return create_model(function.__name__, __config__=config, **fields)


def _check(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> None:
    name = parameter.name
    if parameter.kind not in _BY_NAME:
        message = f"its parameter {name} cannot be given by name"
        raise TypeError(message)
    if name not in hints:
        message = f"its parameter {name} has no type"
        raise TypeError(message)
    if mentions(hints[name], RunnableConfig):
        message = f"its parameter {name} is a RunnableConfig: make it a LangChain tool, with @tool"
        raise TypeError(message)
    if _is_injected(hints[name]):
        message = f"its parameter {name} is one that LangChain fills: make it a LangChain tool, with @tool"
        raise TypeError(message)


def _told_about(hint: object) -> str | None:
    """Returns the text that an `Annotated` type tells of a parameter, as LangChain's tools have it."""
    return next((one for one in get_args(hint)[1:] if isinstance(one, str)), None) if _is_annotated(hint) else None


def _is_injected(hint: object) -> bool:
    """Returns whether a type says that LangChain gives the value, and not the model."""
    marks = get_args(hint)[1:] if _is_annotated(hint) else ()
    kinds = [one if isinstance(one, type) else type(one) for one in marks]
    return any(issubclass(kind, InjectedToolArg) for kind in kinds)


def _is_annotated(hint: object) -> bool:
    return get_origin(hint) is Annotated


def mentions(hint: object, wanted: object) -> bool:
    """Returns whether a type is another one, or is made of it."""
    return hint is wanted or any(mentions(part, wanted) for part in get_args(hint))
