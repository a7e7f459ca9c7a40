"""Tools: LangChain's, or plain typed functions, behind one face.

What is shown must be what runs: the schema that the model reads is the one that arguments are checked against, before
pydantic coerces anything, and what it does not name is refused rather than dropped.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import FunctionType, MethodType
from typing import Any, Final, Protocol

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool

from placet.agents._functions import FunctionBody
from placet.agents._langchain import LangChainBody
from placet.agents._results import Content
from placet.agents._schemas import ArgsSchema, JsonSchema, Misfit
from placet.agents.errors import ToolStoppedError
from placet.contracts.questions import ASK_HUMAN

_NOT_AT_THE_ROOT: Final = frozenset({"allOf", "anyOf", "enum", "not", "oneOf"})
_NAME: Final = re.compile(r"[A-Za-z0-9_.:/-]{1,200}")


class Body(Protocol):
    """What runs behind a tool."""

    @property
    def args_schema(self) -> JsonSchema:
        """The JSON Schema of its arguments."""
        ...

    def misfits(self, args: Mapping[str, Any]) -> list[Misfit]:
        """Returns why it cannot get exactly these arguments, which fit the schema."""
        ...

    async def run(self, args: Mapping[str, Any], config: RunnableConfig) -> Content:
        """Runs it."""
        ...


@dataclass(frozen=True)
class Tool:
    """A tool of an agent.

    Attributes:
        name: As the model sees it.
        args_schema: JSON Schema of its arguments, closed unless the tool takes anything.
    """

    name: str
    description: str
    args_schema: JsonSchema
    _body: Body = field(repr=False)
    _check: ArgsSchema = field(repr=False)

    @property
    def face(self) -> JsonSchema:
        """What the model sees of it besides its name: what a person relies on who approves a call."""
        return {"description": self.description, "parameters": self.args_schema}

    def validate(self, args: Mapping[str, Any]) -> list[Misfit]:
        """Returns why the tool does not take exactly these arguments; an empty list where it does.

        Nothing is coerced and no default is filled in. Arguments that fit the schema are then shown to the tool's own
        types, so that nobody is asked about a date that is none.
        """
        return self._check.misfits(args) or self._body.misfits(args)

    async def run(self, args: Mapping[str, Any], config: RunnableConfig) -> Content:
        """Runs the tool and returns its result as text or content blocks.

        Async tools run in the loop that this is awaited in, others in that loop's executor.

        Args:
            args: Arguments that `validate` has nothing against.
            config: What LangChain hands to a tool that asks for it; its metadata names the call.

        Raises:
            ToolStoppedError: The tool tried to end the process, or cancelled itself.
            Exception: Whatever else it raises.
        """
        try:
            return await self._body.run(args, config)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise ToolStoppedError(self.name, error) from error
        except (SystemExit, KeyboardInterrupt) as error:
            raise ToolStoppedError(self.name, error) from error

    def schema_for_model(self) -> dict[str, Any]:
        """Returns the tool as providers want it."""
        function = {"name": self.name, "description": self.description, "parameters": self.args_schema}
        return {"type": "function", "function": function}


def tool_of(thing: object) -> Tool:
    """Returns the tool that a reference names.

    Raises:
        TypeError: It is neither a LangChain tool nor a function whose arguments have types, or what is shown of it
            would not be what runs.
    """
    if isinstance(thing, BaseTool):
        return made(thing.name, thing.description, LangChainBody(thing))
    if isinstance(thing, FunctionType | MethodType):
        return made(thing.__name__, inspect.getdoc(thing) or "", FunctionBody(thing))
    kind = "a class; name an instance" if isinstance(thing, type) else f"a {type(thing).__name__}"
    message = f"it is {kind}, and neither a LangChain tool nor a function"
    raise TypeError(message)


def made(name: str, description: str, body: Body) -> Tool:
    """Returns a tool that runs this body.

    Raises:
        TypeError: No tool may have the name, or the schema is none.
    """
    if not _NAME.fullmatch(name):
        message = f"its name, {name[:80]!r}, has other characters than letters, digits and _ . : / -"
        raise TypeError(message)
    if name == ASK_HUMAN:
        message = f"{ASK_HUMAN} is the name of the built-in tool"
        raise TypeError(message)
    schema = body.args_schema
    combined = sorted(_NOT_AT_THE_ROOT & schema.keys())
    if combined:
        message = f"its schema has {combined[0]} at its root, which providers refuse: put it into a property"
        raise TypeError(message)
    return Tool(name, description, schema, body, ArgsSchema(schema))
