"""`ask_human` as a tool of LangChain's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from langchain_core.tools import BaseTool, StructuredTool
from langgraph.types import interrupt

from placet.agents import ASK_HUMAN_DESCRIPTION, ASK_HUMAN_SCHEMA, read_questions
from placet.contracts.canonical import canonical_text
from placet.contracts.questions import ASK_HUMAN, AskHuman, question_args


def _ask(**args: Any) -> str:  # noqa: ANN401 - the model's, as its schema describes them
    """Asks, and returns what was answered as the model reads it."""
    read = read_questions(args)
    if not isinstance(read, AskHuman):
        return "; ".join(f"{misfit.pointer}: {misfit.message}" for misfit in read)
    asked: dict[str, Any] = {"type": ASK_HUMAN, **question_args(read.questions), "allow_skip": read.allow_skip}
    answer = interrupt(asked if read.context is None else {**asked, "context": read.context})
    return canonical_text(cast("Mapping[str, Any]", answer)) if isinstance(answer, Mapping) else str(answer)


ask_human: Final[BaseTool] = StructuredTool.from_function(
    _ask, name=ASK_HUMAN, description=ASK_HUMAN_DESCRIPTION, args_schema=ASK_HUMAN_SCHEMA
)
"""Asks people one to four questions. Policy is asked as for the built-in tool of this name."""
