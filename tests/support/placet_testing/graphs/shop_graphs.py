"""Graphs in the style of LangGraph's documentation, which know nothing of Placet."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeStubs=false
# LangGraph's builder is untyped here and there.
# ruff: noqa: ARG001, ARG002
# A node takes the state also where it does not look at it.

from __future__ import annotations

import json
import operator
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt
from typing_extensions import TypedDict

EFFECTS = Path(os.environ.get("GRAPH_EFFECTS", "effects.txt"))


def note(text: str) -> None:
    """Leaves a line on the disk; its process dies before or after that, once, where a file says so."""
    die_once(f"before {text}")
    with EFFECTS.open("a", encoding="utf-8") as file:
        file.write(text + "\n")
    die_once(f"after {text}")


def die_once(point: str) -> None:
    """Kills its own process with -9."""
    asked = EFFECTS.with_name(f"die {point}")
    if asked.exists():
        asked.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


class Model(BaseChatModel):
    """Calls what the last person's message lists as JSON, then says what came of it."""

    @property
    def _llm_type(self) -> str:
        return "listed"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        last = max(place for place, message in enumerate(messages) if isinstance(message, HumanMessage))
        results = [message.text for message in messages[last:] if isinstance(message, ToolMessage)]
        note(f"model {len(messages)}")
        text = messages[last].text
        if results or not text.startswith("["):
            said = AIMessage(" | ".join(results) or f"You said {text}.")
        else:
            listed = json.loads(text)
            calls = [{"name": name, "args": args, "id": f"call_{place}"} for place, (name, args) in enumerate(listed)]
            said = AIMessage("I will do that.", tool_calls=calls)
        return ChatResult(generations=[ChatGeneration(message=said)])


@tool
def refund(order: int, amount: float) -> str:
    """Pays money back."""
    note(f"refund {order} {amount:g}")
    return f"Refunded {amount:g} on {order}."


@tool
async def send(to: str, text: str) -> str:
    """Sends a letter."""
    note(f"send {to} {text}")
    return f"Sent {text} to {to}."


@tool
def find(order: int) -> str:
    """Finds an order."""
    note(f"find {order}")
    return f"Order {order}."


TOOLS = [refund, send, find]
GATED: dict[str, Any] = {"refund": True, "send": {"allowed_decisions": ["approve", "reject"]}}
batched = create_agent(Model(), TOOLS, middleware=[HumanInTheLoopMiddleware(interrupt_on=GATED)])


def per_call() -> Any:
    """Makes an agent whose calls are asked about one by one."""
    asks = HumanInTheLoopMiddleware(interrupt_on=GATED, interrupt_mode="per_call")
    return create_agent(Model(), TOOLS, middleware=[asks])


class State(TypedDict):
    """What the report graph works on."""

    topic: str
    notes: Annotated[list[str], operator.add]


class Inner(TypedDict, total=False):
    """What its subgraph works on."""

    notes: Annotated[list[str], operator.add]


def plan(state: State) -> dict[str, Any]:
    note("plan")
    return {"notes": [f"plan {state['topic']}"]}


def colour(state: State) -> dict[str, Any]:
    answer = interrupt({"question": "Which colour?", "options": ["red", "blue"]})
    note(f"colour {answer}")
    return {"notes": [f"colour {answer}"]}


async def words(state: State) -> dict[str, Any]:
    answer = interrupt("Which words?")
    note(f"words {answer}")
    return {"notes": [f"words {answer}"]}


def draft(state: Inner) -> dict[str, Any]:
    note("draft")
    return {"notes": ["draft"]}


def publish(state: Inner) -> dict[str, Any]:
    request = {
        "action_request": {"action": "publish", "args": {"where": "site"}},
        "config": {"allow_accept": True, "allow_edit": True, "allow_respond": False, "allow_ignore": True},
        "description": "Publishes the report",
    }
    answer = interrupt([request])[0]
    note(f"publish {answer['type']}")
    return {"notes": [f"publish {answer['type']}"]}


def finish(state: State) -> dict[str, Any]:
    note("finish")
    return {"notes": ["finish"]}


inner = (
    StateGraph(Inner).add_node(draft).add_node(publish).add_edge(START, "draft").add_edge("draft", "publish").compile()
)
report = (
    StateGraph(State)
    .add_node(plan)
    .add_node(colour)
    .add_node(words)
    .add_node("press", inner)
    .add_node(finish)
    .add_edge(START, "plan")
    .add_edge("plan", "colour")
    .add_edge("plan", "words")
    .add_edge("plan", "press")
    .add_edge(["colour", "words", "press"], "finish")
    .add_edge("finish", END)
    .compile()
)


class Everything(MessagesState):
    """What the graph with everything works on."""

    topic: str
    notes: Annotated[list[str], operator.add]


everything = (
    StateGraph(Everything)
    .add_node(plan)
    .add_node(colour)
    .add_node(words)
    .add_node("press", inner)
    .add_node("desk", per_call())
    .add_node(finish)
    .add_edge(START, "plan")
    .add_edge("plan", "colour")
    .add_edge("plan", "words")
    .add_edge("plan", "press")
    .add_edge(["colour", "words", "press"], "desk")
    .add_edge("desk", "finish")
    .compile()
)
"""Parallel interrupts, a subgraph that asks, and an agent whose calls are asked about one by one."""


@task
def slow(text: str) -> str:
    note("slow")
    return text.upper()


@entrypoint()
def flow(text: str) -> str:
    """Does one thing after another."""
    done = slow(text).result()
    answer = interrupt({"what": "ready?"})
    return f"{done} {json.dumps(answer)}"


class Steps(TypedDict):
    """What stops before its second step."""

    text: str


def fails(state: Steps) -> dict[str, Any]:
    if state["text"] == "fail":
        message = "no such order"
        raise LookupError(message)
    return {}


def second(state: Steps) -> dict[str, Any]:
    note("second")
    return {}


@dataclass
class Desk:
    """What a run has beside its state."""

    clerk: str


def signs(state: Steps, runtime: Runtime[Desk], config: RunnableConfig) -> dict[str, Any]:
    answer = interrupt("Shall it be signed?")
    return {"text": f"{state['text']} {answer} {runtime.context.clerk} {config.get('configurable', {})['clerk']}"}


signed = (
    cast("Any", StateGraph(Steps, context_schema=Desk))
    .add_node("signs", signs)
    .add_node("again", signs)
    .add_edge(START, "signs")
    .add_edge("signs", "again")
    .compile()
)
"""A graph with a context, which no checkpoint holds."""
stops = (
    StateGraph(Steps)
    .add_node("first", fails)
    .add_node("second", second)
    .add_edge(START, "first")
    .add_edge("first", "second")
    .compile(interrupt_before=["second"])
)
