"""A chat model that follows a script, for demos and tests: YAML in, real messages out.

```yaml
- say: I look for the order first.
  call:
    - tool: find_orders
      args: {customer: Ada Lovelace}
- - when: rejected          # a turn may be a list of cases: the first whose `when` stands in what is new is said
    say: I leave it then.
  - say: It is done.
```
It keeps no state: the turn is the number of answers since the newest message of a person, so a worker that was killed
goes on where the script was, and each message of a person starts the script again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, InvalidToolCall
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from placet.agents.errors import ScriptError
from placet.engine.yaml_reader import Document, read_file


class _Scripted(BaseModel):
    """A part of a script: a key that nobody knows is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ScriptedCall(_Scripted):
    """A tool call of a scripted turn.

    Attributes:
        args: A text here stands for arguments that the provider's client could not read.
        id: By default one that is new in the conversation; an empty text for a call without an id.
    """

    tool: str
    args: Any = Field(default_factory=dict[str, Any])
    id: str | None = None

    @field_validator("args")
    @classmethod
    def _object_or_text(cls, value: object) -> object:
        if isinstance(value, dict | str):
            return cast("object", value)
        message = "should be a mapping, or a text for arguments that nobody can read"
        raise ValueError(message)


class ScriptedUsage(_Scripted):
    """The tokens that the model says it has used."""

    input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)


class ScriptedCase(_Scripted):
    """What the model says in a turn, or in one case of it.

    Attributes:
        when: Texts that all have to stand in what the model has not read before: the newest message of a person, or
            the results of its calls; case does not count.
        delay: Seconds that the model takes.
    """

    when: tuple[str, ...] = ()
    say: str = ""
    call: tuple[ScriptedCall, ...] = ()
    delay: float = Field(default=0.0, ge=0, le=600)
    usage: ScriptedUsage | None = None

    @field_validator("when", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    def fits(self, news: str) -> bool:
        """Returns whether the case is meant for what the model has just read."""
        return all(text.casefold() in news for text in self.when)


_Turn = Annotated[tuple[ScriptedCase, ...], Field(min_length=1)]
_SCRIPT: TypeAdapter[tuple[_Turn, ...]] = TypeAdapter(tuple[_Turn, ...])
_THE_END = ScriptedCase(say="I am done.")


class ScriptedChatModel(BaseChatModel):
    """A chat model whose answers are written beforehand; where the script has none, it says that it is done."""

    turns: tuple[tuple[ScriptedCase, ...], ...]

    @classmethod
    def from_yaml(cls, path: Path | str) -> ScriptedChatModel:
        """Returns the model that follows the script in a file.

        Raises:
            ScriptError: The file is no script; everything wrong with it is named.
        """
        document = read_file(Path(path))
        problems = [f"{path}:{flaw.line}: {flaw.reason}" for flaw in document.flaws]
        if not problems and not isinstance(document.value, list):
            problems = [f"{path}:1: a script is a list of turns"]
        if problems:
            raise ScriptError(problems)
        written = cast("list[list[object] | object]", document.value)
        try:
            return cls(turns=_SCRIPT.validate_python([turn if isinstance(turn, list) else [turn] for turn in written]))
        except ValidationError as error:
            alone = {place for place, turn in enumerate(written) if not isinstance(turn, list)}
            raise ScriptError(list(_problems(path, document, alone, error))) from error

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: object
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Returns itself: a script knows which tools it calls."""
        del tools, tool_choice, kwargs
        return cast("Runnable[LanguageModelInput, AIMessage]", self)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: object,
    ) -> ChatResult:
        del stop, run_manager, kwargs
        case = self._case(messages)
        time.sleep(case.delay)
        return _result(messages, case)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: object,
    ) -> ChatResult:
        del stop, run_manager, kwargs
        case = self._case(messages)
        await asyncio.sleep(case.delay)
        return _result(messages, case)

    def _case(self, messages: list[BaseMessage]) -> ScriptedCase:
        place = _answers_since_a_person(messages)
        news = "\n".join(message.text for message in _unread(messages)).casefold()
        cases = self.turns[place] if place < len(self.turns) else ()
        return next((case for case in cases if case.fits(news)), _THE_END)


def _problems(path: Path | str, document: Document, alone: set[int], error: ValidationError) -> Iterator[str]:
    """Yields what is wrong; a turn with one case is written without the list that pydantic names."""
    for one in error.errors():
        if one["type"] == "too_short" and one["input"]:
            continue
        turn, *inner = one["loc"]
        place = (turn, *(inner[1:] if turn in alone else inner))
        reason = one["msg"].removeprefix("Value error, ")
        yield f"{path}:{document.line(place)}: {'.'.join(map(str, place))}: {reason}"


def _answers_since_a_person(messages: list[BaseMessage]) -> int:
    count = 0
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            break
        count += isinstance(message, AIMessage)
    return count


def _unread(messages: list[BaseMessage]) -> Iterator[BaseMessage]:
    """Yields what came since the model spoke last, the newest first."""
    for message in reversed(messages):
        if isinstance(message, AIMessage):
            return
        if message.type != "system":
            yield message


def _result(messages: list[BaseMessage], case: ScriptedCase) -> ChatResult:
    calls: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for place, call in enumerate(case.call):
        call_id = f"call_{len(messages)}_{place}" if call.id is None else call.id or None
        if isinstance(call.args, str):
            error = "not an object of JSON"
            invalid.append(
                InvalidToolCall(type="invalid_tool_call", id=call_id, name=call.tool, args=call.args, error=error)
            )
        else:
            calls.append(ToolCall(type="tool_call", id=call_id, name=call.tool, args=call.args))
    message = AIMessage(content=case.say, tool_calls=calls, invalid_tool_calls=invalid, usage_metadata=_usage(case))
    return ChatResult(generations=[ChatGeneration(message=message)])


def _usage(case: ScriptedCase) -> UsageMetadata | None:
    if case.usage is None:
        return None
    read, said = case.usage.input_tokens, case.usage.output_tokens
    return UsageMetadata(input_tokens=read, output_tokens=said, total_tokens=read + said)
