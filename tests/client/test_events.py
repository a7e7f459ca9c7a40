"""Both clients follow events over connections that break."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import httpx
import pytest

from placet.client import AsyncClient, Client, errors
from placet_testing.fake_gateway import FakeGateway, Json, event_of, problem

RUN = "run-00000000-0000-5000-8000-000000000001"


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    with FakeGateway() as fake:
        yield fake


@pytest.fixture
def client(gateway: FakeGateway) -> Iterator[Client]:
    with Client(gateway.url, "key") as opened:
        yield opened


def of_run(number: int, kind: str = "call.started") -> Json:
    return event_of(number, kind, run_id=RUN)


def last_ids(gateway: FakeGateway) -> list[str | None]:
    return [one.headers.get("last-event-id") for one in gateway.received]


def test_where_the_connection_breaks_it_goes_on_behind_the_last_event(gateway: FakeGateway, client: Client) -> None:
    gateway.streams = [[event_of(1, "call.started")], [], [event_of(2, "call.finished"), event_of(3, "run.started")]]
    found = list(islice(client.events(), 3))
    assert [event.id for event in found] == [f"{number:016}" for number in (1, 2, 3)]
    assert last_ids(gateway) == [None, f"{1:016}", f"{1:016}"]
    assert gateway.received[0].headers["authorization"] == "Bearer key"
    assert gateway.received[0].headers["accept"] == "text/event-stream"


def test_what_breaks_before_its_first_event_goes_on_where_it_began(gateway: FakeGateway, client: Client) -> None:
    gateway.streams = [[], [event_of(1, "call.started")]]
    next(client.events())
    assert last_ids(gateway) == [None, f"{0:016}"]


def test_a_run_is_followed_to_its_end(gateway: FakeGateway, client: Client) -> None:
    gateway.streams = [[of_run(1), of_run(2, "run.completed"), of_run(3)]]
    assert [event.type for event in client.events(run_id=RUN)] == ["call.started", "run.completed"]
    assert gateway.received[0].path == f"/v1/runs/{RUN}/events"
    assert len(gateway.received) == 1


def test_the_end_of_a_run_ends_it_also_where_it_is_not_asked_for(gateway: FakeGateway, client: Client) -> None:
    gateway.streams = [[of_run(1), of_run(2, "run.failed")]]
    assert [event.id for event in client.events(run_id=RUN, types=["call.started"])] == [f"{1:016}"]
    asked_for = gateway.received[0].query["types"][0].split(",")
    assert set(asked_for) == {"call.started", "run.completed", "run.failed", "run.cancelled", "run.expired"}


def test_where_nothing_is_to_come_it_ends(gateway: FakeGateway, client: Client) -> None:
    gateway.streams = [(204, None)]
    assert list(client.events(run_id=RUN, after=f"{2:016}")) == []
    assert last_ids(gateway) == [f"{2:016}"]


def test_types_are_passed_on(gateway: FakeGateway, client: Client) -> None:
    gateway.streams = [[event_of(1, "run.started")]]
    next(client.events(types=["run.started", "approval.decided"]))
    assert gateway.received[0].query == {"types": ["approval.decided,run.started"]}


def test_a_type_of_a_later_version_is_passed_over(gateway: FakeGateway, client: Client) -> None:
    gateway.streams = [[event_of(1, "run.paused")], [event_of(2, "run.started")]]
    assert next(client.events()).id == f"{2:016}"
    assert last_ids(gateway) == [None, f"{1:016}"]


def test_a_gateway_that_is_away_for_a_while_is_waited_for(gateway: FakeGateway, client: Client) -> None:
    gateway.streams = [[event_of(1, "run.started")], problem("unavailable", "Away."), [event_of(2, "run.started")]]
    assert [event.id for event in islice(client.events(), 2)] == [f"{1:016}", f"{2:016}"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (problem("not_found", "No."), errors.NotFoundError),
        (problem("invalid_query", "No."), errors.InvalidQueryError),
        (problem("unauthenticated", "No."), errors.UnauthenticatedError),
        ((200, {"id": "no stream"}), errors.UnexpectedAnswerError),
    ],
)
def test_a_refusal_is_raised(
    answer: tuple[int, Json], kind: type[errors.PlacetError], gateway: FakeGateway, client: Client
) -> None:
    gateway.streams = [[event_of(1, "run.started")], answer]
    events = client.events()
    next(events)
    with pytest.raises(kind):
        next(events)


def test_a_gateway_that_never_was_there_is_given_up_soon() -> None:
    with Client("http://127.0.0.1:9") as client, pytest.raises(errors.UnreachableError) as caught:
        next(client.events())
    assert not caught.value.maybe_sent


def test_a_proxy_that_fails_is_asked_again() -> None:
    answers = [
        httpx.Response(502, text="<html>"),
        httpx.Response(
            200,
            headers={"Content-Type": "text/event-stream"},
            text='id: 1\nevent: run.started\ndata: {"id":"1","type":"run.started","at":"2026-11-22T12:00:00Z"}\n\n',
        ),
    ]
    with Client(transport=httpx.MockTransport(lambda _: answers.pop(0))) as client:
        assert next(client.events()).id == "1"


def test_what_is_no_event_is_said_so() -> None:
    text = "id: 1\nevent: run.started\ndata: {}\n\n"
    answer = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, text=text)
    transport = httpx.MockTransport(lambda _: answer)
    with Client(transport=transport) as client, pytest.raises(errors.UnexpectedAnswerError):
        next(client.events())


async def test_the_asynchronous_client_does_the_same(gateway: FakeGateway) -> None:
    gateway.streams = [[of_run(1)], problem("unavailable", "Away."), [of_run(2), of_run(3, "run.completed")]]
    async with AsyncClient(gateway.url) as client:
        assert [event.id async for event in client.events(run_id=RUN)] == [f"{number:016}" for number in (1, 2, 3)]
        gateway.streams = [(204, None)]
        assert [event async for event in client.events(run_id=RUN, after=f"{3:016}")] == []
        gateway.streams = [problem("not_found", "No.")]
        with pytest.raises(errors.NotFoundError):
            [event async for event in client.events(run_id=RUN)]
    assert last_ids(gateway) == [None, f"{1:016}", f"{1:016}", f"{3:016}", None]
