"""The agent that is measured: a model that calls one tool again and again, and a tool that brings bytes.

The first person's message is JSON: `{"steps": …, "size": …, "name": …, "tool": …}`. Placet's worker and LangGraph run
the same model and the same tool. A tool writes the moment of its begin and of its end, on a clock that all processes
of this machine share.
"""

from __future__ import annotations

import json
import os
import random
import string
import time
from pathlib import Path
from typing import Any, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable


def begin(name: str) -> None:
    """Notes that a tool has begun."""
    _note(name, "begin")


def end(name: str) -> None:
    """Notes that a tool has ended."""
    _note(name, "end")


def now() -> float:
    """Returns the seconds of a clock that all processes of this machine share."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def _note(name: str, what: str) -> None:
    moment = now()
    with (Path(os.environ["BENCH_FOLDER"]) / f"{name}.times").open("a", encoding="ascii") as lines:
        lines.write(f"{what} {moment:.6f}\n")


def step(name: str, number: int, size: int) -> str:
    """Do one step, and bring that many bytes."""
    begin(name)
    # Noise: a database that compresses what it stores finds nothing to compress in a real transcript either.
    brought = "".join(random.Random(f"{name} {number}").choices(string.ascii_letters + string.digits, k=size))  # noqa: S311
    end(name)
    return brought


def gated_step(name: str, number: int, size: int) -> str:
    """Do one step that a person has to allow."""
    return step(name, number, size)


class BenchModel(BaseChatModel):
    """Calls the tool as often as it was told to, then says that it is done."""

    @property
    def _llm_type(self) -> str:
        return "bench"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Runnable[LanguageModelInput, AIMessage]:  # noqa: ANN401 - LangChain's
        """Returns itself."""
        del tools, kwargs
        return cast("Runnable[LanguageModelInput, AIMessage]", self)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401 - LangChain's
    ) -> ChatResult:
        del stop, run_manager, kwargs
        return ChatResult(generations=[ChatGeneration(message=_answer(messages))])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401 - LangChain's
    ) -> ChatResult:
        del stop, run_manager, kwargs
        return ChatResult(generations=[ChatGeneration(message=_answer(messages))])


def bench_model() -> BenchModel:
    """Returns the model."""
    return BenchModel()


def _answer(messages: list[BaseMessage]) -> AIMessage:
    told = json.loads(next(message for message in messages if isinstance(message, HumanMessage)).text)
    number = sum(isinstance(message, AIMessage) for message in messages)
    if number >= told["steps"]:
        return AIMessage("Done.")
    args = {"name": told["name"], "number": number, "size": told["size"]}
    call = ToolCall(type="tool_call", id=f"call_{number}", name=told.get("tool", "step"), args=args)
    return AIMessage("", tool_calls=[call])
