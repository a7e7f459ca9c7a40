"""Who may call what, and who sees what."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.routing import BaseRoute

from placet.api.access import Allow, Public
from placet.api.openapi import api_routes, dependencies_of
from placet_testing.gateway import QUESTION, Site, asked, key_of, problem, said

OPEN = {
    "/healthz",
    "/langgraph/info",
    "/langgraph/ok",
    "/readyz",
    "/static/{version}/{name:path}",
    "/sign-in",
    "/sign-in/account",
    "/sign-in/callback",
    "/sign-in/provider",
}


def test_every_endpoint_says_who_may_call_it(site: Site) -> None:
    """An endpoint without a row of who may call it must not exist."""
    paths: set[str] = set()
    for route in api_routes(site.app):
        rules = [call for call in dependencies_of(route) if isinstance(call, Allow | Public)]
        assert len(rules) == 1, f"{route.path} says {len(rules)} times who may call it"
        assert isinstance(rules[0], Public) == (route.path in OPEN), route.path
        paths.add(route.path)
    others = {_path(route) for route in site.app.routes} - paths
    assert others == {"/openapi.json"}, "a route that is no endpoint lets everybody in"


def _path(route: BaseRoute) -> str:
    return getattr(route, "path", repr(route))


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer wrong", f"Basic {key_of('dana')}", key_of("dana"), f"Bearer {key_of('dana')}x"],
)
async def test_without_a_valid_key_nothing_is_answered(site: Site, header: str) -> None:
    for route in api_routes(site.app):
        if route.path in OPEN or not route.include_in_schema:
            continue
        url = route.path.replace("{approval_id}", "0" * 32).replace("{run_id}", "0" * 32)
        for method in route.methods or ():
            answer = await site.client(**({"Authorization": header} if header else {})).request(method, url)
            problem(answer, 401, "unauthenticated")
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_the_scheme_may_be_written_in_any_case(site: Site) -> None:
    client = site.client(Authorization=f"bearer {key_of('dana')}")
    assert (await client.get("/v1/approvals")).status_code == 200


async def test_somebody_without_a_role_may_do_nothing(site: Site) -> None:
    problem(await site.client("nobody").get("/v1/approvals"), 403, "not_allowed")


SEES_FINANCE = {"dana": True, "eve": False, "bot": True, "max": False, "audra": True, "both": True, "root": True}


@pytest.mark.parametrize(("user", "sees"), SEES_FINANCE.items())
async def test_what_one_may_not_see_is_not_there(site: Site, user: str, sees: bool) -> None:  # noqa: FBT001
    approval = await asked(site.client("bot"), approvers=["group:finance"])
    client = site.client(user)
    listed = (await client.get("/v1/approvals")).json()["items"]
    assert [one["id"] for one in listed] == ([approval["id"]] if sees else [])
    read = await client.get(f"/v1/approvals/{approval['id']}")
    waited = await client.get(f"/v1/approvals/{approval['id']}/wait", params={"timeout": 0})
    if sees:
        assert (read.status_code, waited.status_code) == (200, 204)
    else:
        problem(read, 404, "not_found")
        problem(waited, 404, "not_found")
        problem(await client.post(f"/v1/approvals/{approval['id']}/cancel"), 404, "not_found")
        problem(await said(client, approval), 404, "not_found")


DECIDES: dict[tuple[str, ...], dict[str, int]] = {
    ("role:approver",): {"dana": 200, "eve": 200, "max": 200, "bot": 403, "audra": 403, "both": 200, "root": 200},
    ("group:finance",): {"dana": 200, "eve": 404, "max": 404, "bot": 403, "audra": 403, "both": 403, "root": 200},
    ("user:eve",): {"dana": 404, "eve": 200, "max": 404, "bot": 403, "audra": 403, "both": 403, "root": 200},
    ("role:auditor",): {"dana": 404, "audra": 403, "both": 200, "root": 200},
    ("user:eve", "group:finance"): {"dana": 200, "eve": 200, "max": 404},
}


@pytest.mark.parametrize(
    ("approvers", "user", "status"),
    [(approvers, user, status) for approvers, row in DECIDES.items() for user, status in row.items()],
)
async def test_who_is_named_decides(site: Site, approvers: tuple[str, ...], user: str, status: int) -> None:
    approval = await asked(site.client("bot"), approvers=list(approvers))
    answer = await said(site.client(user), approval)
    codes = {404: "not_found", 403: "not_an_approver" if user == "both" else "not_allowed"}
    if status == 200:
        assert answer.status_code == 200, answer.text
    else:
        problem(answer, status, codes[status])
        assert site.temporal.updates == []


async def test_nobody_decides_on_a_call_of_their_own(site: Site) -> None:
    approval = await asked(site.client("max"))
    problem(await said(site.client("max"), approval), 403, "self_approval")
    own = await asked(site.client("root"))
    problem(await said(site.client("root"), own), 403, "self_approval")
    assert (await said(site.client("dana"), approval)).status_code == 200


async def test_a_question_of_ones_own_may_be_answered(site: Site) -> None:
    approval = (await site.client("max").post("/v1/approvals", json=QUESTION)).json()
    answers = {"q1": {"options": ["1"]}, "q2": {"text": "x"}}
    assert (await said(site.client("max"), approval, "answer", answers=answers)).status_code == 200


async def test_requester_means_who_asked_and_nobody_else(site: Site) -> None:
    approval = (await site.client("bot").post("/v1/approvals", json={**QUESTION, "approvers": ["requester"]})).json()
    answers: dict[str, Any] = {"q1": {"options": ["1"]}, "q2": {"text": "x"}}
    problem(await said(site.client("max"), approval, "answer", answers=answers), 404, "not_found")
    assert (await said(site.client("bot"), approval, "answer", answers=answers)).status_code == 200


async def test_in_local_mode_one_person_does_everything(local_site: Site) -> None:
    local = local_site.client()
    approval = await asked(local, approvers=["group:finance"])
    assert approval["requester"] == "user:local"
    answer = (await said(local, approval)).json()
    assert answer["decision"]["by"] == {"id": "user:local", "name": "Local", "via": "api"}


@pytest.mark.parametrize(("sent", "kept"), [("cli", "cli"), ("web", "api"), ("temporal", "api"), ("x", "api")])
async def test_the_way_it_came_is_recorded(site: Site, sent: str, kept: str) -> None:
    approval = await asked(site.client("bot"))
    answer = await said(site.client("dana", **{"X-Placet-Client": sent}), approval)
    assert answer.json()["decision"]["by"]["via"] == kept
