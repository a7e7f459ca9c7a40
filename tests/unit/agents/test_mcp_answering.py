"""The HTTP client of MCP servers: a call is answered in any case, and the answer says whether it was sent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from placet.agents.mcp.answering import BROKEN, NOT_SENT, REFUSED, AnsweringClient

CALL: dict[str, Any] = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {}}
EVENTS = {"content-type": "text/event-stream"}
ANSWER = b'event: message\ndata: {"jsonrpc": "2.0", "id": 7, "result": {}}\n\n'


class Stream(httpx.AsyncByteStream):
    """A stream that says some things, and then ends or breaks."""

    def __init__(self, *parts: bytes, error: Exception | None = None) -> None:
        self._parts = parts
        self._error = error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part
        if self._error is not None:
            raise self._error


async def answered(answer: Callable[[httpx.Request], httpx.Response], message: Any = CALL) -> httpx.Response:
    async with AnsweringClient(transport=httpx.MockTransport(answer)) as client:
        request = client.build_request("POST", "http://server/mcp", json=message)
        response = await client.send(request, stream=True)
        await response.aread()
        return response


def code(response: httpx.Response) -> int:
    assert response.status_code == 200
    text = response.text.split("data: ")[-1] if response.headers["content-type"].startswith("text") else response.text
    told = json.loads(text)
    assert told["id"] == 7
    return told["error"]["code"]


def raising(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        del request
        raise error

    return answer


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx.ConnectError("refused"), NOT_SENT),
        (httpx.ConnectTimeout("slow"), NOT_SENT),
        (httpx.PoolTimeout("full"), NOT_SENT),
        (httpx.ReadError("reset"), BROKEN),
        (httpx.ReadTimeout("slow"), BROKEN),
        (httpx.WriteError("reset"), BROKEN),
        (httpx.RemoteProtocolError("gone"), BROKEN),
    ],
)
async def test_a_failure_of_the_network_says_whether_the_call_was_sent(error: Exception, expected: int) -> None:
    assert code(await answered(raising(error))) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, NOT_SENT),
        (404, NOT_SENT),
        (401, REFUSED),
        (403, REFUSED),
        (429, REFUSED),
        (408, BROKEN),
        (500, BROKEN),
        (502, BROKEN),
        (504, BROKEN),
    ],
)
async def test_an_error_of_the_server_says_whether_the_call_may_have_run(status: int, expected: int) -> None:
    assert code(await answered(lambda _: httpx.Response(status))) == expected


@pytest.mark.parametrize(
    "error", [None, httpx.ReadError("reset"), httpx.ReadTimeout("slow")], ids=["ends", "breaks", "stalls"]
)
@pytest.mark.parametrize(
    "said", [b"", b": ping\n\n", b'event: message\ndata: {"method": "notifications/progress"}\n\n']
)
async def test_a_stream_without_an_answer_ends_with_one(error: Exception | None, said: bytes) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        del request
        return httpx.Response(200, headers=EVENTS, stream=Stream(said, error=error))

    assert code(await answered(answer)) == BROKEN


async def test_the_answer_of_a_stream_comes_first() -> None:
    response = await answered(lambda _: httpx.Response(200, headers=EVENTS, stream=Stream(ANSWER)))
    assert response.content.startswith(ANSWER)


async def test_a_stream_that_can_be_taken_up_again_is_left_to_the_client() -> None:
    resumable = b"id: 1\nevent: message\ndata: \n\n"
    response = await answered(lambda _: httpx.Response(200, headers=EVENTS, stream=Stream(resumable)))
    assert response.content == resumable
    with pytest.raises(httpx.ReadError):
        await answered(
            lambda _: httpx.Response(200, headers=EVENTS, stream=Stream(resumable, error=httpx.ReadError("reset")))
        )


async def test_what_is_no_call_goes_its_way() -> None:
    told = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert (await answered(lambda _: httpx.Response(500), told)).status_code == 500
    with pytest.raises(httpx.ConnectError):
        await answered(raising(httpx.ConnectError("refused")), told)
