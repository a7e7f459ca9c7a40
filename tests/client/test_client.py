"""Both clients: what is sent, what is repeated, what is raised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, get_args

import httpx
import pytest

import placet.client
from placet.client import AsyncClient, Client, Recorded, errors
from placet.contracts.approvals import ApprovalRequest
from placet.contracts.decisions import DecisionBody
from placet.contracts.errors import Code
from placet.contracts.runs import RunRequest
from placet_testing.fake_gateway import FakeGateway, problem


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    with FakeGateway() as fake:
        yield fake


@pytest.fixture
def client(gateway: FakeGateway) -> Iterator[Client]:
    with Client(gateway.url, "key") as opened:
        yield opened


def approving(asked: dict[str, Any]) -> DecisionBody:
    return DecisionBody(type="approve", digest=asked["digest"])


def test_its_public_names_are_these() -> None:
    names = ["LOCAL_URL", "AgentCard", "AgentTool", "ApprovalFilters", "AsyncClient", "Client", "ItemResult"]
    assert placet.client.__all__ == [*names, "KeyCard", "Me", "Page", "Recorded", "RunFilters"]


def test_both_clients_have_the_same_methods() -> None:
    def public(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    assert public(Client) == public(AsyncClient)


def test_a_decision_comes_back_as_the_approval(gateway: FakeGateway, client: Client) -> None:
    asked = gateway.asks(args={"n": 2**70})
    ended = client.decide(asked["id"], approving(asked))
    assert not isinstance(ended, Recorded)
    assert ended.status == "approved"
    assert ended.args == {"n": 2**70}
    sent = gateway.decisions[0]
    assert sent.headers["authorization"] == "Bearer key"
    assert len(sent.headers["idempotency-key"]) == 32
    assert "x-placet-client" not in sent.headers


def test_only_what_was_given_is_sent(gateway: FakeGateway, client: Client) -> None:
    asked = gateway.asks()
    client.decide(asked["id"], DecisionBody(type="edit", digest=asked["digest"], args={"n": None, "big": 2**64 + 1}))
    assert gateway.decisions[0].body == {
        "type": "edit",
        "digest": asked["digest"],
        "args": {"n": None, "big": 2**64 + 1},
    }


def test_202_is_recorded(gateway: FakeGateway, client: Client) -> None:
    asked = gateway.asks()
    gateway.scripted = [(202, {"status": "recorded", "decision_id": "d1"})]
    assert client.decide(asked["id"], approving(asked)) == Recorded("d1")


def test_each_decision_has_its_own_key_unless_one_is_given(gateway: FakeGateway, client: Client) -> None:
    first, second = gateway.asks(), gateway.asks()
    for asked in (first, second):
        client.decide(asked["id"], approving(asked))
    client.runs()
    with pytest.raises(errors.AlreadyDecidedError):
        client.decide(first["id"], approving(first), idempotency_key="mine")
    keys = [one.headers["idempotency-key"] for one in gateway.decisions]
    assert len(set(keys)) == 3
    assert keys[2] == "mine"


def test_a_lost_answer_is_asked_for_again_with_the_same_key(gateway: FakeGateway, client: Client) -> None:
    asked = gateway.asks()
    gateway.scripted = [None, None, None]
    client.decide(asked["id"], approving(asked))
    assert len(gateway.decisions) == 4
    assert len({one.headers["idempotency-key"] for one in gateway.decisions}) == 1


def test_after_four_tries_it_says_that_it_may_have_arrived(gateway: FakeGateway, client: Client) -> None:
    asked = gateway.asks()
    gateway.scripted = [None] * 5
    with pytest.raises(errors.UnreachableError) as caught:
        client.decide(asked["id"], approving(asked))
    assert len(gateway.decisions) == 4
    assert caught.value.maybe_sent
    assert caught.value.idempotency_key == gateway.decisions[0].headers["idempotency-key"]


def test_what_may_count_twice_is_not_repeated(gateway: FakeGateway, client: Client) -> None:
    asked = gateway.asks()
    gateway.scripted = [None]
    with pytest.raises(errors.UnreachableError) as caught:
        client.withdraw(asked["id"])
    assert caught.value.maybe_sent
    assert len(gateway.received) == 1


def test_what_never_left_is_repeated_and_was_not_sent() -> None:
    tried: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        tried.append(request)
        message = "refused"
        raise httpx.ConnectError(message)

    with Client(transport=httpx.MockTransport(refuse)) as client, pytest.raises(errors.UnreachableError) as caught:
        client.withdraw("a" * 32)
    assert len(tried) == 4
    assert not caught.value.maybe_sent


@pytest.mark.parametrize("code", get_args(Code))
def test_every_code_is_a_class(code: Code, gateway: FakeGateway, client: Client) -> None:
    asked = gateway.asks()
    gateway.scripted = [problem(code, "Because.", approval=asked, maybe_recorded=False)]
    kind = errors.PROBLEMS[code]
    with pytest.raises(kind, match=r"Because\.") as caught:
        client.decide(asked["id"], approving(asked))
    assert type(caught.value) is kind
    assert caught.value.code == code
    assert len(gateway.decisions) == 1


def test_every_code_has_a_class_of_its_own() -> None:
    assert set(errors.PROBLEMS) == set(get_args(Code))
    assert len(set(errors.PROBLEMS.values())) == len(errors.PROBLEMS)


def test_a_refusal_carries_what_its_code_names(gateway: FakeGateway, client: Client) -> None:
    asked = gateway.asks()
    gateway.headers = {"X-Request-Id": "r-17", "Retry-After": "2"}
    gateway.scripted = [
        problem("already_decided", "Late.", approval={**asked, "status": "rejected"}),
        problem("invalid_args", "Bad.", errors=[{"pointer": "/amount", "message": "too much"}, "?"]),
        problem("unavailable", "Away.", maybe_recorded=False),
        problem("unavailable", "Away.", maybe_recorded=True, idempotency_key="k"),
    ]
    caught: list[errors.ProblemError] = []
    for _ in range(4):
        with pytest.raises(errors.ProblemError) as one:
            client.decide(asked["id"], approving(asked))
        caught.append(one.value)
    late, bad, away, maybe = caught
    assert isinstance(late, errors.EndedError)
    assert late.approval is not None
    assert late.approval.status == "rejected"
    assert late.request_id == "r-17"
    assert bad.errors == (("/amount", "too much"),)
    assert isinstance(away, errors.UnavailableError)
    assert (away.maybe_recorded, away.retry_after) == (False, 2.0)
    assert isinstance(maybe, errors.UnavailableError)
    assert (maybe.maybe_recorded, maybe.idempotency_key) == (True, "k")


def test_a_code_of_a_later_version_is_a_plain_problem(gateway: FakeGateway, client: Client) -> None:
    gateway.scripted = [(418, {"title": "New", "status": 418, "code": "teapot"})]
    with pytest.raises(errors.ProblemError) as caught:
        client.cancel_run("run-1")
    assert type(caught.value) is errors.ProblemError


@pytest.mark.parametrize(
    "respond",
    [
        lambda: httpx.Response(502, text="<html>"),
        lambda: httpx.Response(200, text="<html>"),
        lambda: httpx.Response(200, json={"status": "pending"}),
        lambda: httpx.Response(200, json=[]),
        lambda: httpx.Response(302, headers={"Location": "http://evil.example"}),
        lambda: httpx.Response(404, json={"detail": "Not Found"}),
    ],
)
def test_what_is_no_answer_of_this_api_is_said_so(respond: Callable[[], httpx.Response]) -> None:
    transport = httpx.MockTransport(lambda _: respond())
    with Client(transport=transport) as client, pytest.raises(errors.UnexpectedAnswerError) as caught:
        client.approval("a" * 32)
    assert caught.value.status == respond().status_code


@pytest.mark.parametrize("bad", ["", ".", ".."])
def test_what_is_no_id_is_not_sent(bad: str, gateway: FakeGateway, client: Client) -> None:
    with pytest.raises(ValueError, match="is not an id"):
        client.approval(bad)
    assert gateway.received == []


def test_an_id_stays_one_segment_of_the_path(gateway: FakeGateway, client: Client) -> None:
    with pytest.raises(errors.NotFoundError):
        client.approval("../runs?x=1#y")
    assert gateway.received[0].path == "/v1/approvals/../runs?x=1#y"


@pytest.mark.parametrize(("url", "key"), [("nonsense", None), ("ftp://x", None), ("", None), ("http://x", "k\u00e9y")])
def test_an_address_or_key_that_cannot_be_one_is_refused(url: str, key: str | None) -> None:
    with pytest.raises(ValueError, match=r"address|key"):
        Client(url, key)


def test_lists_come_in_pages_with_filters(gateway: FakeGateway, client: Client) -> None:
    for _ in range(3):
        gateway.asks()
    page = client.approvals(limit=2, status=("pending", "expired"), q=None)
    assert len(page.items) == 2
    assert gateway.received[0].query == {"limit": ["2"], "status": ["pending", "expired"]}
    assert len(client.approvals(cursor=page.next_cursor).items) == 1


def test_wait_gives_the_end_or_none(gateway: FakeGateway, client: Client) -> None:
    asked = gateway.asks()
    assert client.wait(asked["id"], seconds=0) is None
    gateway.steps = [lambda: gateway.ends(asked["id"], "expired")]
    ended = client.wait(asked["id"], seconds=5)
    assert ended is not None
    assert ended.status == "expired"


def test_decide_all_sends_a_key_for_each() -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        results: list[dict[str, object]] = [
            {"approval_id": name, "status": status, "body": {}} for name, status in (("a", 200), ("b", 409))
        ]
        return httpx.Response(200, json={"results": results})

    with Client(transport=httpx.MockTransport(answer)) as client:
        body = DecisionBody(type="approve", digest="sha256:0")
        results = client.decide_all({"a": body, "b": body})
    assert [one.status for one in results] == [200, 409]
    listed: list[dict[str, Any]] = httpx.Response(200, content=sent[0].content).json()["decisions"]
    assert [one["approval_id"] for one in listed] == ["a", "b"]
    assert len({one["idempotency_key"] for one in listed}) == 2


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with Client(gateway.url, timeout=timedelta(seconds=5)) as client:
        assert client.agents()[0].tools[0].name == "refund"


async def test_the_asynchronous_client_does_the_same(gateway: FakeGateway) -> None:
    asked = gateway.asks()
    gateway.scripted = [None]
    async with AsyncClient(gateway.url, via="cli") as client:
        ended = await client.decide(asked["id"], approving(asked))
        assert not isinstance(ended, Recorded)
        assert ended.status == "approved"
        assert len({one.headers["idempotency-key"] for one in gateway.decisions}) == 1
        assert gateway.decisions[0].headers["x-placet-client"] == "cli"
        run = await client.start_run(RunRequest(agent="billing", input="hello"))
        assert (await client.run(run.id)).status == "running"
        assert (await client.cancel_run(run.id, reason="no")).cancel_requested_at is not None
        assert (await client.wait(asked["id"], seconds=1)) is not None
        with pytest.raises(errors.NotFoundError):
            await client.approval("f" * 32)
        other = await client.ask(ApprovalRequest(kind="tool_call", tool="x", args={"n": 2**70}, title="y"))
        assert other.args == {"n": 2**70}


async def test_the_asynchronous_client_gives_up_too() -> None:
    async with AsyncClient("http://127.0.0.1:9") as client:
        with pytest.raises(errors.UnreachableError) as caught:
            await client.agents()
    assert not caught.value.maybe_sent
