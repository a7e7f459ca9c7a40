"""Who comes in at the surface for LangGraph's clients, and from where."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient

from placet.api import create_app
from placet.api.openapi import api_routes
from placet.engine.settings import Settings
from placet.langgraph_api.refusing import NOT_OFFERED
from placet_testing.fake_temporal import FakeClock, FakeTemporal
from placet_testing.gateway import Site, config_of, key_of, problem

OPEN = {"/langgraph/info", "/langgraph/ok"}
FOREIGN = "lsv2_pt_0123456789abcdef"
CHAT = "http://localhost:3000"


def surface(site: Site) -> list[tuple[str, str]]:
    """Every endpoint of the surface as method and path."""
    ids = {
        "{thread_id}": "t",
        "{run_id}": "r",
        "{assistant_id}": "billing",
        "{checkpoint_id}": "c",
        "{path:path}": "x",
    }
    found: list[tuple[str, str]] = []
    for route in api_routes(site.app):
        path = route.path
        if path.startswith("/langgraph/") and path not in OPEN:
            for name, value in ids.items():
                path = path.replace(name, value)
            found += [(method, path) for method in route.methods or ()]
    return found


async def test_without_a_key_of_ours_nothing_is_answered(site: Site) -> None:
    assert len(surface(site)) > 20
    for headers in ({}, {"X-Api-Key": FOREIGN}, {"X-Api-Key": ""}, {"Authorization": "Bearer x"}):
        client = site.client(**headers)
        for method, path in surface(site):
            problem(await client.request(method, path), 401, "unauthenticated")


async def test_somebody_without_a_role_may_do_nothing(site: Site) -> None:
    client = site.client(**{"X-Api-Key": key_of("nobody")})
    for method, path in surface(site):
        answer = await client.request(method, path, json={"assistant_id": "billing", "id": 1, "method": "run.start"})
        problem(answer, 403, "not_allowed")


async def test_what_is_not_offered_is_refused_with_its_reason_and_never_as_a_fault(site: Site) -> None:
    """Older clients send again by themselves what was answered with 5xx."""
    client = site.client("root")
    for place, reason in NOT_OFFERED.items():
        method, path = place.split(" ")
        answer = await client.request(method, "/langgraph" + path.replace("{path:path}", "x"), json={})
        assert reason in problem(answer, 404, "not_offered")["detail"]


async def test_the_key_is_the_same_as_that_of_v1(site: Site) -> None:
    client = site.client(**{"X-Api-Key": key_of("bot")})
    made = await client.post("/langgraph/threads", json={})
    assert made.status_code == 200
    assert (await site.client("bot").get(f"/langgraph/threads/{made.json()['thread_id']}")).status_code == 200
    problem(await client.get("/v1/runs"), 401, "unauthenticated")
    both = site.client("bot", **{"X-Api-Key": FOREIGN})
    assert (await both.get("/langgraph/assistants/billing")).status_code == 200


async def test_info_is_open_and_says_that_answers_are_strict(site: Site) -> None:
    answer = await site.client(**{"X-Api-Key": FOREIGN}).get("/langgraph/info")
    assert answer.status_code == 200
    assert answer.json()["flags"]["strict_resume"] is answer.json()["strict_resume"] is True


async def test_a_key_of_somebody_elses_service_is_in_no_log(
    site: Site, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Clients send the key of another service unasked, where the environment has one."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logging.getLogger().addHandler(handler)
    with caplog.at_level(logging.DEBUG):
        client = site.client(**{"X-Api-Key": FOREIGN})
        for method, path in surface(site):
            await client.request(method, path)
    logging.getLogger().removeHandler(handler)
    printed = capsys.readouterr()
    assert FOREIGN not in printed.out + printed.err + caplog.text + written.getvalue()


def local(tmp_path: Path, site: Site) -> AsyncClient:
    """Local mode where the origin of a chat front end is named."""
    settings = Settings(data=tmp_path, cors_origins=(CHAT,))
    clock = FakeClock()
    app = create_app(settings, config_of(None), ledger=site.ledger, temporal=FakeTemporal(clock), clock=clock)
    client = AsyncClient(transport=ASGITransport(app=app), base_url="http://127.0.0.1:7117")
    site.clients.append(client)
    return client


@pytest.mark.parametrize("fetch", ["cross-site", "same-site"])
async def test_a_front_end_that_is_named_may_use_the_surface_of_this_machine(
    tmp_path: Path, site: Site, fetch: str
) -> None:
    client = local(tmp_path, site)
    headers = {"Origin": CHAT, "Sec-Fetch-Site": fetch}
    made = await client.post("/langgraph/threads", json={}, headers=headers)
    assert made.status_code == 200
    assert made.headers["access-control-allow-origin"] == CHAT
    exposed = made.headers["access-control-expose-headers"]
    assert {"Content-Location", "Location"} <= {name.strip() for name in exposed.split(",")}
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key,x-auth-scheme"}
    assert (await client.options("/langgraph/threads", headers={**headers, **asked})).status_code == 200


async def test_nothing_else_of_this_machine_is_open_to_it_and_nobody_else_is(tmp_path: Path, site: Site) -> None:
    client = local(tmp_path, site)
    named, other = {"Origin": CHAT, "Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}
    form = {**named, "Content-Type": "application/x-www-form-urlencoded"}
    problem(await client.post("/v1/approvals", json={}, headers=named), 403, "not_allowed")
    problem(await client.post("/langgraph/threads", json={}, headers=other), 403, "not_allowed")
    problem(await client.post("/langgraph/threads", content=b"a=b", headers=form), 403, "not_allowed")
