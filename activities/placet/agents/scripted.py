"""A chat model that follows a script, for demos and tests: YAML in, real messages out.

```yaml
- say: I look for the order first.
  call:
    - tool: find_orders
      args: {customer: Ada Lovelace}
- when: rejected            # only where the newest message holds this text; a turn's cases stand in a list
  say: I leave it then.
```
It keeps no state: the turn is the number of answers since the newest message of a person, so a worker
that was killed goes on where the script was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import yaml
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class ScriptedCall(BaseModel):
    """A tool call of a scripted turn."""

    model_config = ConfigDict(extra="forbid")

    tool: str
    args: dict[str, Any] = Field(default_factory=dict)
    id: str | None = None


class ScriptedTurn(BaseModel):
    """What the model says in a turn, or in one case of it."""

    model_config = ConfigDict(extra="forbid")

    when: str | None = None
    say: str = ""
    call: list[ScriptedCall] = Field(default_factory=list[ScriptedCall])
    delay: float = 0.0


_SCRIPT = TypeAdapter(list[ScriptedTurn | list[ScriptedTurn]])


class ScriptedChatModel(BaseChatModel):
    """A chat model whose answers are written beforehand; after the last turn it says that it is done."""

    turns: list[ScriptedTurn | list[ScriptedTurn]]

    @classmethod
    def from_yaml(cls, path: Path) -> ScriptedChatModel:
        """Returns the model that follows the script in a file.

        Raises:
            ValidationError: The file is no script.
        """
        script: object = yaml.safe_load(path.read_text(encoding="utf-8"))
        return cls(turns=_SCRIPT.validate_python(script))

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
        return _result(messages, self._turn(messages))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: object,
    ) -> ChatResult:
        del stop, run_manager, kwargs
        turn = self._turn(messages)
        await asyncio.sleep(turn.delay)
        return _result(messages, turn)

    def _turn(self, messages: list[BaseMessage]) -> ScriptedTurn:
        place = _answers_since_a_person(messages)
        if place >= len(self.turns):
            return ScriptedTurn(say="I am done.")
        turn = self.turns[place]
        cases = turn if isinstance(turn, list) else [turn]
        newest = "\n".join(message.text for message in messages[-_tool_results(messages) - 1 :])
        fitting = [case for case in cases if case.when is None or case.when in newest]
        return fitting[0] if fitting else ScriptedTurn(say="I am done.")


def _answers_since_a_person(messages: list[BaseMessage]) -> int:
    count = 0
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            break
        count += isinstance(message, AIMessage)
    return count


def _tool_results(messages: list[BaseMessage]) -> int:
    """Returns how many results the conversation ends with, less one: all of them are the newest."""
    count = 0
    while count < len(messages) and messages[-count - 1].type == "tool":
        count += 1
    return max(count - 1, 0)


def _result(messages: list[BaseMessage], turn: ScriptedTurn) -> ChatResult:
    place = len(messages)
    calls = [
        ToolCall(name=call.tool, args=call.args, id=call.id or f"call_{place}_{index}", type="tool_call")
        for index, call in enumerate(turn.call)
    ]
    read = sum(len(message.text) for message in messages) // 4
    said = len(turn.say) // 4 + 8 * len(calls)
    usage = UsageMetadata(input_tokens=read, output_tokens=said, total_tokens=read + said)
    message = AIMessage(content=turn.say, tool_calls=calls, usage_metadata=usage)
    return ChatResult(generations=[ChatGeneration(message=message)])
