"""What stands around every request."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Generator

import pytest
import structlog
from httpx import ASGITransport, AsyncClient

from placet.engine.logs import configure_logs
from placet.ledger import Ledger
from placet_testing.gateway import Site, asked, key_of, problem


async def test_every_answer_names_its_request(site: Site) -> None:
    for path in ("/healthz", "/nowhere", "/v1/approvals"):
        assert len((await site.client().get(path)).headers["x-request-id"]) == 32
    given = await site.client().get("/healthz", headers={"X-Request-Id": "my-id.1"})
    assert given.headers["x-request-id"] == "my-id.1"
    for wrong in ("a b", "x" * 81, "é".encode().decode("latin-1")):
        answer = await site.client().get("/healthz", headers=[(b"X-Request-Id", wrong.encode("latin-1"))])
        assert answer.headers["x-request-id"] != wrong


async def test_no_such_path_and_no_such_method_are_problems_too(site: Site) -> None:
    for path in ("/v1", "/v1/approvals/", "/v1/events/", "/v2/approvals", "/docs"):
        problem(await site.client("root").get(path), 404, "not_found")
    answer = await site.client("root").delete("/v1/approvals")
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, POST"


async def test_what_nobody_foresaw_is_a_problem_that_tells_nothing(
    site: Site, make_site: Callable[..., Site], ledger: Ledger
) -> None:
    class Broken:
        def __getattr__(self, name: str) -> Broken:
            return self

        def __call__(self) -> object:
            message = "the password is hunter2"
            raise RuntimeError(message)

    broken = make_site(ledger=Broken(), temporal=site.temporal)
    del ledger
    answer = await broken.client("dana").get("/v1/approvals")
    body = problem(answer, 500, "internal_error")
    assert body["request_id"] == answer.headers["x-request-id"]
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "localhost.evil.example", "", "[::2]", "127.0.0.1@x"]
)
async def test_local_mode_answers_only_to_this_machines_names(local_site: Site, host: str) -> None:
    transport = ASGITransport(app=local_site.app)
    async with AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get("/v1/approvals", headers={"Host": host})
    problem(answer, 403, "not_allowed")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:7117", "127.0.0.1:1", "[::1]:7117", "127.0.0.2"])
async def test_local_mode_answers_to_every_name_of_this_machine(local_site: Site, host: str) -> None:
    assert (await local_site.client(Host=host).get("/v1/approvals")).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:8000", "https://localhost:7117"])
async def test_local_mode_takes_nothing_from_another_site(local_site: Site, origin: str) -> None:
    """A form on any page could otherwise start runs through the visitor's browser."""
    client = local_site.client(Origin=origin, **{"Content-Type": "text/plain"})
    problem(await client.post("/v1/runs", content=b'{"agent": "billing", "input": "x"}'), 403, "not_allowed")
    assert not local_site.temporal.runs


async def test_the_same_site_is_no_other_site(local_site: Site) -> None:
    await asked(local_site.client(Origin="http://127.0.0.1:7117"))


async def test_where_people_sign_in_any_name_will_do(site: Site) -> None:
    client = site.client("dana", Host="placet.example", Origin="https://elsewhere.example")
    assert (await client.get("/v1/approvals")).status_code == 200


@pytest.fixture
def json_logs() -> Generator[None]:
    root, config = logging.getLogger(), structlog.get_config()
    before, level = root.handlers[:], root.level
    client = logging.getLogger("httpx").level
    yield
    logging.getLogger("httpx").setLevel(client)
    root.handlers[:] = before
    root.setLevel(level)
    logging.getLogger("placet").setLevel(logging.NOTSET)
    structlog.configure(**config)


@pytest.mark.usefixtures("json_logs")
async def test_the_log_is_one_json_object_a_request_and_holds_no_secret(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs()
    # The test's own client logs what it asks for.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    await asked(site.client("bot"), title="Top secret title")
    await site.client("dana").get("/v1/approvals?q=private")
    await site.client(Authorization="Bearer wrong-key").get("/v1/approvals")
    written = capsys.readouterr().err
    lines = [json.loads(line) for line in written.splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    assert [(line["method"], line["path"], line["status"], line["caller"]) for line in requests] == [
        ("POST", "/v1/approvals", 201, "user:bot"),
        ("GET", "/v1/approvals", 200, "user:dana"),
        ("GET", "/v1/approvals", 401, None),
    ]
    assert all(line["request_id"] and line["timestamp"] and line["level"] == "info" for line in requests)
    for secret in (key_of("bot"), key_of("dana"), "wrong-key", "Top secret", "private"):
        assert secret not in written
