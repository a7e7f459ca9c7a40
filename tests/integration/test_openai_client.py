"""The real OpenAI client of LangChain against a local server that speaks the chat-completions protocol."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    message_to_dict,
    messages_from_dict,
)
from openai import APIConnectionError, APIStatusError
from pydantic import ValidationError

from placet.agents import Agent, Agents
from placet.effects._model_errors import activity_error
from placet.engine.config_file import load

Json = dict[str, Any]

CONFIG = """
agents:
  billing:
    model: openai:gpt-5-mini
    prompt: Be kind.
    tools: [openai_tools:refund, openai_tools:find_orders]
"""
TOOLS = """
from decimal import Decimal
from typing import Annotated
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from pydantic import BaseModel, Field

class Line(BaseModel):
    item: str

@tool
def refund(order_id: int, lines: list[Line], config: RunnableConfig) -> str:
    "Refund an order."
    return "refunded"

def find_orders(customer: str = "anybody") -> str:
    "Find orders."
    return "none"
"""


@dataclass
class Provider:
    """A server that answers with what a test has put in, and keeps what it was sent."""

    url: str = ""
    status: int = 200
    """0: it hangs up without a word."""
    answer: Json = field(default_factory=dict[str, Any])
    requests: list[Json] = field(default_factory=list[Json])
    keys: list[str | None] = field(default_factory=list[str | None])

    def says(self, content: str | None, *calls: Json, **usage: int) -> None:
        message: Json = {"role": "assistant", "content": content}
        if calls:
            message["tool_calls"] = list(calls)
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
        self.answer = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "gpt-5-mini",
            "choices": [choice],
            "usage": usage or None,
        }

    def fails(self, status: int, message: str) -> None:
        self.status, self.answer = status, {"error": {"message": message, "type": "t", "code": "c", "param": None}}


def call(name: str, arguments: str, call_id: str | None = "call_1") -> Json:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            made.requests.append(json.loads(self.rfile.read(length)) | {"path": self.path})
            made.keys.append(self.headers.get("Authorization"))
            if not made.status:
                return
            body = json.dumps(made.answer).encode()
            self.send_response(made.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}/v1"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def agent(provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Agent:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-for-this-test")
    monkeypatch.setenv("OPENAI_BASE_URL", provider.url)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "openai_tools.py").write_text(TOOLS)
    (tmp_path / "placet.yaml").write_text(CONFIG)
    monkeypatch.delitem(sys.modules, "openai_tools", raising=False)
    return Agents.load(load(tmp_path / "placet.yaml"), tmp_path)["billing"]


async def ask(agent: Agent, *messages: Any) -> AIMessage:
    return await agent.bound_model().ainvoke([SystemMessage("Be kind."), *messages])


async def test_the_model_is_sent_the_schemas_that_arguments_are_checked_against(
    agent: Agent, provider: Provider
) -> None:
    provider.says("Hello")
    answer = await ask(agent, HumanMessage("Hi"))
    assert answer.text == "Hello"
    [sent] = provider.requests
    assert (sent["path"], sent["model"]) == ("/v1/chat/completions", "gpt-5-mini")
    assert provider.keys == ["Bearer sk-for-this-test"]
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]
    functions = [tool["function"] for tool in sent["tools"]]
    assert [function["name"] for function in functions] == ["refund", "find_orders"]
    assert [function["parameters"] for function in functions] == [tool.args_schema for tool in agent.tools.values()]
    assert functions[0]["parameters"]["properties"]["lines"]["items"]["additionalProperties"] is False
    assert "$ref" not in json.dumps(functions), "not every provider follows references"


async def test_its_calls_are_read_and_its_tokens_are_kept(agent: Agent, provider: Provider) -> None:
    provider.says(
        None,
        call("refund", '{"order_id": 9007199254740993, "lines": []}', "a"),
        call("find_orders", "{}", "b"),
        prompt_tokens=7,
        completion_tokens=3,
        total_tokens=10,
    )
    answer = await ask(agent, HumanMessage("Refund it"))
    assert [(one["name"], one["args"], one["id"]) for one in answer.tool_calls] == [
        ("refund", {"order_id": 2**53 + 1, "lines": []}, "a"),
        ("find_orders", {}, "b"),
    ]
    assert agent.tools["refund"].validate(answer.tool_calls[0]["args"]) == []
    assert answer.usage_metadata is not None
    assert (answer.usage_metadata["input_tokens"], answer.usage_metadata["output_tokens"]) == (7, 3)


@pytest.mark.parametrize("arguments", ["{not json", '{"order_id": 1', "{'order_id': 1}"])
async def test_a_call_that_cannot_be_read_is_kept_as_one(agent: Agent, provider: Provider, arguments: str) -> None:
    provider.says(None, call("refund", arguments), call("find_orders", "{}", "call_2"))
    answer = await ask(agent, HumanMessage("Refund it"))
    assert [(one["name"], one["id"]) for one in answer.tool_calls] == [("find_orders", "call_2")]
    assert [(one["name"], one["args"], one["id"]) for one in answer.invalid_tool_calls] == [
        ("refund", arguments, "call_1")
    ]


@pytest.mark.parametrize("arguments", ["[1]", '"text"', "5"])
async def test_an_answer_that_the_client_chokes_on_is_worth_a_few_more_tries(
    agent: Agent, provider: Provider, arguments: str
) -> None:
    """The client refuses arguments that are JSON and no object; the model may do better at the next attempt."""
    provider.says(None, call("refund", arguments))
    with pytest.raises(ValidationError) as caught:
        await ask(agent, HumanMessage("Refund it"))
    assert not activity_error(caught.value, attempt=1).non_retryable
    assert activity_error(caught.value, attempt=5).non_retryable


async def test_a_stored_conversation_goes_back_to_the_provider_with_a_result_for_each_call(
    agent: Agent, provider: Provider
) -> None:
    """Through the dicts that the ledger keeps, calls that nobody could read included."""
    provider.says(None, call("refund", '{"order_id": 1, "lines": []}', "a"), call("refund", "{not json", "b"))
    answer = await ask(agent, HumanMessage("Refund it"))
    results = [ToolMessage("refunded", tool_call_id="a"), ToolMessage("not JSON", tool_call_id="b", status="error")]
    stored = [message_to_dict(message) for message in (HumanMessage("Refund it"), answer, *results)]
    provider.says("Done")
    assert (await ask(agent, *messages_from_dict(json.loads(json.dumps(stored))))).text == "Done"
    sent = provider.requests[-1]["messages"]
    asked = [one["id"] for message in sent for one in message.get("tool_calls", [])]
    answered = [message["tool_call_id"] for message in sent if message["role"] == "tool"]
    assert asked == answered == ["a", "b"]
    arguments = [one["function"]["arguments"] for message in sent for one in message.get("tool_calls", [])]
    assert arguments[1] == "{not json"


@pytest.mark.parametrize(("status", "final"), [(400, True), (401, True), (404, True), (429, False), (500, False)])
async def test_the_client_asks_once_and_the_activity_knows_what_to_do(
    agent: Agent, provider: Provider, status: int, *, final: bool
) -> None:
    provider.fails(status, "Invalid key sk-for-this-test")
    with pytest.raises(APIStatusError) as caught:
        await ask(agent, HumanMessage("Hi"))
    assert len(provider.requests) == 1
    error = activity_error(caught.value, attempt=1)
    assert (error.type, error.non_retryable) == (f"model_{status}", final)
    assert "sk-for-this-test" not in error.message


@pytest.mark.parametrize("word", ["code", "type"])
async def test_an_account_that_is_used_up_is_not_asked_again(agent: Agent, provider: Provider, word: str) -> None:
    provider.fails(429, "You exceeded your current quota.")
    provider.answer["error"][word] = "insufficient_quota"
    with pytest.raises(APIStatusError) as caught:
        await ask(agent, HumanMessage("Hi"))
    error = activity_error(caught.value, attempt=1)
    assert (error.type, error.non_retryable) == ("model_429", True)


async def test_an_error_that_comes_for_an_hour_is_the_last_one(agent: Agent, provider: Provider) -> None:
    provider.fails(500, "Try again.")
    with pytest.raises(APIStatusError) as caught:
        await ask(agent, HumanMessage("Hi"))
    hour, night = timedelta(hours=1), timedelta(hours=9)
    assert activity_error(caught.value, 10, hour).non_retryable
    assert not activity_error(caught.value, 2, night).non_retryable, "nobody was up to try"
    assert not activity_error(caught.value, 30, hour / 2).non_retryable


async def test_a_provider_that_hangs_up_is_asked_once_and_again_by_the_activity(
    agent: Agent, provider: Provider
) -> None:
    provider.status = 0
    with pytest.raises(APIConnectionError) as caught:
        await ask(agent, HumanMessage("Hi"))
    assert len(provider.requests) == 1
    assert not activity_error(caught.value, attempt=1).non_retryable
