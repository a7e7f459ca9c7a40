"""Real clients of providers against local servers that refuse what the providers refuse."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from placet.engine.config_file import load
from placet.ledger import Ledger
from placet_testing.conversations import Begun, conversing
from placet_testing.providers.anthropic_messages import AnthropicMessages
from placet_testing.providers.chat_completions import ChatCompletions
from placet_testing.providers.responses import Responses
from placet_testing.providers.server import ModelServer, serving

PROVIDERS: dict[str, type[ModelServer]] = {
    "chat completions": ChatCompletions,
    "responses": Responses,
    "stateless responses": Responses,
    "anthropic": AnthropicMessages,
}
OLD = "responses, as older versions kept them"

MODELS = """
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI

def stateless():
    return ChatOpenAI(
        model="gpt-5-codex", store=False, include=["reasoning.encrypted_content"], max_retries=0
    )

def old():
    return ChatOpenAI(model="gpt-5-codex", output_version="v0", max_retries=0)

def thinking():
    return ChatAnthropic(
        model="claude-sonnet-5-5", max_tokens=2000, thinking={"type": "adaptive"}, max_retries=0
    )
"""
OWN = {OLD: "real_models:old", "stateless responses": "real_models:stateless", "anthropic": "real_models:thinking"}
TOOLS = '''
def refund(order_id: int, amount: float = 1.0) -> str:
    """Refund an order."""
    return f"refunded {amount} on {order_id}"

def find_orders(customer: str = "anybody") -> list[int]:
    """Find orders."""
    return [7, 9]
'''
CONFIG = """
agents:
  desk:
    model: {model}
    prompt: Be kind.
    tools: [real_tools:refund, real_tools:find_orders]
"""


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModelServer]:
    """Each provider, with an agent `desk` that uses it."""
    with serving(PROVIDERS.get(request.param, Responses)()) as made:
        for name, value in made.environment().items():
            monkeypatch.setenv(name, value)
        (tmp_path / "real_models.py").write_text(MODELS)
        (tmp_path / "real_tools.py").write_text(TOOLS)
        (tmp_path / "placet.yaml").write_text(CONFIG.format(model=OWN.get(request.param, made.model)))
        yield made


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that is ready: migrating one takes longer than most tests."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.db"

    async def migrate() -> None:
        made = Ledger.at(str(path))
        await made.migrate()
        await made.close()

    asyncio.run(migrate())
    return path


@pytest.fixture
def ready(migrated: Path, tmp_path: Path) -> Path:
    """The folder of a test, with a ledger in it."""
    for part in migrated.parent.glob("ledger.db*"):
        shutil.copy(part, tmp_path / part.name)
    return tmp_path


@pytest_asyncio.fixture
async def converse(provider: ModelServer, ready: Path) -> AsyncGenerator[Begun]:
    """Begins conversations with the agents of `placet.yaml`."""
    del provider
    async with conversing(ready, load) as begin:
        yield begin
