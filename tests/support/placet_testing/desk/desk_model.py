"""The desk's model: it follows the script that the run's input is."""

from __future__ import annotations

import json
from typing import Any, cast

import yaml
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, InvalidToolCall, ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable


class DeskModel(BaseChatModel):
    """A chat model whose turns stand in the newest message of a person, as YAML.

    A turn is a list of calls `{tool, args, id?}`; `id: null` leaves the id out and `args` that is text goes
    as a call that the provider's client could not read; an argument `{letters: N}` becomes a text that long. An entry
    `{say}` is what it says along with the calls. After the last turn it repeats what it was told last.
    """

    @property
    def _llm_type(self) -> str:
        return "desk"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Runnable[LanguageModelInput, AIMessage]:
        """Returns itself: the script says what is called."""
        del tools, kwargs
        return cast("Runnable[LanguageModelInput, AIMessage]", self)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        del stop, run_manager, kwargs
        return ChatResult(generations=[ChatGeneration(message=_answer(messages))])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        del stop, run_manager, kwargs
        return ChatResult(generations=[ChatGeneration(message=_answer(messages))])


def desk() -> DeskModel:
    """Returns the model."""
    return DeskModel()


def _answer(messages: list[BaseMessage]) -> AIMessage:
    person = max(place for place, message in enumerate(messages) if isinstance(message, HumanMessage))
    since = messages[person + 1 :]
    turns = _script(messages[person].text)
    turn = sum(isinstance(message, AIMessage) for message in since)
    if turn >= len(turns):
        return AIMessage(content=" | ".join(message.text for message in since if message.type == "tool"))
    calls: list[ToolCall] = []
    unreadable: list[InvalidToolCall] = []
    said = next((entry["say"] for entry in turns[turn] if "say" in entry), f"Turn {turn + 1}.")
    for place, call in enumerate(entry for entry in turns[turn] if "tool" in entry):
        name, call_id = call["tool"], call.get("id", f"call_{place}")
        args = call.get("args", {})
        if isinstance(args, str):
            unreadable.append(
                InvalidToolCall(name=name, args=args, id=call_id, error="not JSON", type="invalid_tool_call")
            )
        else:
            calls.append(
                ToolCall(
                    name=name, args={key: _long(value) for key, value in args.items()}, id=call_id, type="tool_call"
                )
            )
    return AIMessage(content=said, tool_calls=calls, invalid_tool_calls=unreadable)


def _script(text: str) -> list[list[dict[str, Any]]]:
    try:
        # What is JSON is read as JSON: YAML makes two characters of one beyond the first plane.
        return json.loads(text)
    except ValueError:
        return yaml.safe_load(text)


def _long(value: Any) -> Any:
    match value:
        case {"letters": int(count)}:
            return "x" * count
        case _:
            return value
