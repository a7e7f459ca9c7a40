"""What a provider's client raises, and what becomes of the attempt: real clients, one request an attempt."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
import pytest_asyncio
from temporalio.exceptions import ApplicationError

from placet.engine.config_file import load
from placet_testing.conversations import Begun, conversing
from placet_testing.providers.anthropic_messages import AnthropicMessages
from placet_testing.providers.chat_completions import ChatCompletions
from placet_testing.providers.responses import Responses
from placet_testing.providers.server import Answer, Json, ModelServer, serving


class Gemini(ModelServer):
    """As much of Google's as it takes to say no."""

    model: ClassVar[str] = "google_genai:gemini-2.5-flash"

    def environment(self) -> dict[str, str]:
        return {"GOOGLE_API_KEY": "AIzaSyForThisTestForThisTest", "GOOGLE_GEMINI_BASE_URL": self.url}

    def problems(self, request: Json) -> list[str]:
        del request
        return []

    def body(self, answer: Answer) -> Json:
        content = {"role": "model", "parts": [{"text": answer.text}]}
        return {"candidates": [{"content": content, "finishReason": "STOP", "index": 0}]}

    def error(self, status: int, message: str) -> Json:
        return {"error": {"code": status, "message": message, "status": "FAILED"}}


PROVIDERS: list[type[ModelServer]] = [ChatCompletions, Responses, AnthropicMessages, Gemini]
FINAL = (400, 401, 403, 404, 413, 422)
WORTH_ANOTHER_TRY = (408, 409, 425, 429, 500, 503, 529)


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModelServer]:
    """Each provider, by the string that names its model."""
    kind: type[ModelServer] = request.param
    with serving(kind()) as made:
        for name, value in made.environment().items():
            monkeypatch.setenv(name, value)
        model = made.model.replace("claude-sonnet-5-5", "claude-haiku-5-5")
        (tmp_path / "placet.yaml").write_text(f"agents:\n  desk: {{model: '{model}'}}\n")
        yield made


@pytest_asyncio.fixture
async def converse(provider: ModelServer, ready: Path) -> AsyncGenerator[Begun]:
    """Begins conversations with the agent `desk`."""
    del provider
    async with conversing(ready, load) as begin:
        yield begin


async def refused(converse: Begun, **how: Any) -> ApplicationError:
    one = converse("desk", **how)
    await one.begin()
    with pytest.raises(ApplicationError) as caught:
        await one.ask()
    return caught.value


async def test_the_status_decides_and_the_client_asks_once(provider: ModelServer, converse: Begun) -> None:
    for status in (*FINAL, *WORTH_ANOTHER_TRY):
        before = len(provider.requests)
        provider.fails(status, "your key sk-for-this-test is no good")
        error = await refused(converse)
        assert (status, len(provider.requests) - before) == (status, 1)
        assert (error.type, error.non_retryable) == (f"model_{status}", status in FINAL)
        assert "this-test" not in error.message


async def test_a_client_that_counts_the_first_try_is_given_one(provider: ModelServer, converse: Begun) -> None:
    tries = 1 if isinstance(provider, Gemini) else 0
    assert getattr(converse("desk").agents["desk"].model, "max_retries", None) == tries


async def test_a_provider_is_left_alone_for_as_long_as_it_says(provider: ModelServer, converse: Begun) -> None:
    provider.fails(429, retry_after="17")
    assert (await refused(converse)).next_retry_delay == timedelta(seconds=17)
    provider.fails(503, retry_after=format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True))
    delay = (await refused(converse)).next_retry_delay
    assert delay is not None
    assert timedelta(seconds=30) < delay < timedelta(seconds=61)
    provider.fails(429, retry_after="86400")
    assert (await refused(converse)).next_retry_delay == timedelta(minutes=10)


async def test_a_wait_that_makes_no_sense_is_temporals_to_choose(provider: ModelServer, converse: Begun) -> None:
    for said in ("soon", "-3", "0", "nan", "inf", "", "Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 01 Jan 1970", "9" * 400):
        provider.fails(429, retry_after=said)
        assert (said, (await refused(converse)).next_retry_delay) == (said, None)


async def test_a_provider_that_says_nothing_is_given_up_in_time(provider: ModelServer, converse: Begun) -> None:
    provider.hold = threading.Event()
    provider.says("Too late.")
    error = await refused(converse, answer_limit=timedelta(seconds=0.3))
    assert "no answer within 0.3 seconds" in error.message
    assert not error.non_retryable
    assert len(provider.requests) == 1


@pytest.mark.parametrize("provider", [ChatCompletions, Responses], indirect=True)
async def test_an_error_behind_a_status_of_200_is_not_tried_for_ever(provider: ModelServer, converse: Begun) -> None:
    provider.fails(200, "something went wrong")
    error = await refused(converse)
    assert error.type == "model_error"


async def test_what_is_well_is_answered(provider: ModelServer, converse: Begun) -> None:
    provider.says("Done.")
    assert await converse("desk").to_the_end() == "Done."
