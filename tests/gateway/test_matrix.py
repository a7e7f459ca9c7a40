"""Every route, by everybody, in every state: what is answered is what the table of authorisation says.

The routes come from the OpenAPI document and from the pages that are served; one without a row fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import APIRouter
from httpx import AsyncClient, Response
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from placet.api.access import Anybody, SignedIn
from placet.api.authorisation import TABLE, Row, UnruledRouteError, check_table
from placet.api.openapi import api_routes
from placet.contracts.config import User
from placet.contracts.reach import SEES, Reach
from placet.contracts.records import RequestedEntry
from placet.contracts.runs import CloseInput
from placet.langgraph_api.ids import first_segment_of
from placet.langgraph_api.runs.ending import END
from placet.ledger import AgentRow
from placet.runs.gate import gate_of
from placet_testing.fake_temporal import FakeApproval
from placet_testing.gateway import QUESTION, REFUND, Site, asked, people, problem, said
from placet_testing.ledger_samples import an_approval

FINANCE = ["group:finance"]
CALLERS = (None, "nobody", "robot", "bot", "max", "dana", "eve", "audra", "root")
"""Of each kind one: `bot` asked and started, `dana` is named, `max` and `eve` are neither."""
IS: dict[str, str] = {"bot": "own", "dana": "named"}
"""What the approval and the run are to somebody."""
USERS = people().users
ROUTES = sorted(TABLE)
OF_A_THING = [name for name in ROUTES if TABLE[name].thing]


@dataclass
class World:
    """A gateway with something of each kind in it."""

    site: Site
    client: Callable[[str | None], AsyncClient]

    async def thing(self, row: Row, state: str) -> dict[str, str]:
        """Returns what fills in the path: an approval, a run or a thread of the bot's, that names finance."""
        filled = {"turn": "0", "name": "billing", "version": "0", "name:path": "x", "approval_id": "0" * 32}
        filled |= {"assistant_id": "billing", "thread_id": "t", "checkpoint_id": "c", "path:path": "x"}
        filled |= {"key_id": "0" * 12}
        if state == "missing" or row.thing is None:
            return filled | {"run_id": "run-00000000-0000-0000-0000-000000000000"}
        if row.thing != "approval":
            run = await self._run(ended=state == "ended")
            part = {"run_id": first_segment_of(run["id"])} if row.thing == "thread" else {"run_id": run["id"]}
            return filled | {"thread_id": run["thread_id"]} | part
        approval = await asked(self.client("bot"), approvers=FINANCE)
        if state == "ended":
            assert (await said(self.client("root"), approval)).status_code == 200
        return filled | {"approval_id": approval["id"], "digest": approval["digest"]}

    async def _run(self, *, ended: bool) -> dict[str, Any]:
        answer = await self.client("bot").post("/v1/runs", json={"agent": "billing", "input": "x"})
        run: dict[str, Any] = answer.json()
        asks = an_approval(
            run_id=run["id"],
            thread_id=run["thread_id"],
            turn=0,
            requester="user:bot",
            approvers=tuple(FINANCE),
            expires_at=None,
        )
        await self.site.ledger.record(asks, 0, (RequestedEntry(),))
        self.site.temporal.approvals[asks.id] = FakeApproval(asks, gate_of(asks))
        if ended:
            close = CloseInput(run_id=run["id"], agent="billing", thread_id=run["thread_id"], status="completed")
            await self.site.ledger.close_run(close, "done", self.site.clock())
            self.site.temporal.runs[run["id"]].is_open = False
        return run

    async def call(self, name: str, user: str | None, state: str) -> Response:
        """Calls a route as somebody, with a body that it takes."""
        method, path = name.split(" ")
        filled = await self.thing(TABLE[name], state)
        url = re.sub(r"{([^}]+)}", lambda found: filled[found[1]], path)
        url += f"?session={'0' * 64}" if "command-line" in path else ""
        return await self.client(user).request(method, url, **body_of(name, filled))


def body_of(name: str, filled: dict[str, str]) -> dict[str, Any]:
    """Returns a body that is right, so that nothing but the caller can be wrong."""
    digest = filled.get("digest", "sha256:" + "0" * 64)
    decision = {"type": "approve", "digest": digest}
    if name.startswith("GET"):
        return {}
    if " /langgraph/" in name:
        command = {"id": 1, "method": "input.respond", "params": {"interrupt_id": "0" * 32}}
        return {"json": {"assistant_id": "billing", "command": {"goto": END}, "as_node": END, **command}}
    known: dict[str, dict[str, Any]] = {
        "POST /v1/runs": {"json": {"agent": "billing", "input": "x"}},
        "POST /v1/approvals": {"json": REFUND},
        "POST /v1/approvals/{approval_id}/decision": {"json": decision},
        "POST /v1/decisions": {"json": {"decisions": [{**decision, "approval_id": "0" * 32}]}},
        "POST /approvals/{approval_id}/decision": {"data": decision},
        "POST /approvals/{approval_id}/edit": {"data": {"raw": "1", "args": "{}", "digest": digest}},
    }
    return known.get(name, {"json": {}} if " /v1/" in name else {"data": {"type": "approve", "pick": "x y"}})


def reached(reach: Reach, user: str) -> bool:
    """Whether one of somebody's roles reaches the thing; an admin has every role."""
    roles = set(USERS[user].roles)
    relations = {reach[role] for role in reach if (role in roles or "admin" in roles)}
    return "any" in relations or IS.get(user) in relations


def expected(row: Row, user: str | None, state: str) -> set[int]:
    """Returns what the table says; an empty set where it is anything but a "no" for who calls."""
    if row.who == "anybody":
        return set()
    if user is None:
        return {401, 303}
    roles = set(USERS[user].roles)
    lacks = isinstance(row.who, frozenset) and not (roles & row.who or "admin" in roles)
    if lacks or (USERS[user].agent and not row.agents) or row.in_browser:
        return {403}
    if not row.offered:
        return {404}
    return of_the_thing(row, user, state) if row.thing else set()


def of_the_thing(row: Row, user: str, state: str) -> set[int]:
    """Returns what the table says once somebody may call at all."""
    if state == "missing" or not reached(SEES, user):
        return {404}
    if row.acts is not None and not reached(row.acts, user):
        return {403}
    return {row.ended} if state == "ended" and row.ended else set()


@pytest.fixture
async def world(site: Site) -> World:
    await site.ledger.put_agents([AgentRow(name="billing", model="openai:gpt-5-mini")])
    # Streams end at once and waits return, so that every route can be called.
    site.app.state.services.stopping.set()
    clients = {user: site.client(user) for user in CALLERS}
    return World(site, clients.__getitem__)


def test_every_route_of_the_document_and_of_the_pages_has_a_row(site: Site) -> None:
    documented = {
        f"{method.upper()} {path}" for path, methods in site.app.openapi()["paths"].items() for method in methods
    }
    served = {f"{method} {route.path}" for route in api_routes(site.app) for method in route.methods or ()}
    assert documented <= served | {"GET /openapi.json"} == set(TABLE)


def added(site: Site, router: APIRouter) -> None:
    site.app.router.routes.extend(router.routes)


def test_a_route_without_a_row_is_not_served(site: Site) -> None:
    router = APIRouter()

    @router.get("/v1/unruled")
    async def unruled(_: SignedIn) -> None:
        """Has no row."""

    added(site, router)
    with pytest.raises(UnruledRouteError, match="GET /v1/unruled: it has no row"):
        check_table(site.app)


def test_what_asks_nobody_who_calls_is_served_only_where_a_row_opens_it(site: Site) -> None:
    async def bare(_: Request) -> PlainTextResponse:
        return PlainTextResponse("")

    for route in (Route("/v1/bare", bare), Route("/v1/keys", bare), Mount("/files", PlainTextResponse(""))):
        site.app.router.routes.append(route)
        with pytest.raises(UnruledRouteError, match="no row that opens it to anybody"):
            check_table(site.app)
        site.app.router.routes.remove(route)
    check_table(site.app)


def test_a_signature_that_lets_in_others_than_the_row_is_not_served(site: Site) -> None:
    router = APIRouter()

    @router.get("/v1/me")
    async def open_to_all(_: Anybody) -> None:
        """Says otherwise than its row."""

    added(site, router)
    with pytest.raises(UnruledRouteError, match="lets in anybody, its row signed in"):
        check_table(site.app)


@pytest.mark.parametrize("name", ROUTES)
async def test_a_route_answers_to_whom_its_row_names(world: World, name: str) -> None:
    row = TABLE[name]
    for state in ("pending", "ended", "missing") if row.thing else ("none",):
        for user in CALLERS:
            answer = await world.call(name, user, state)
            wanted = expected(row, user, state)
            told = f"{name}, {user}, {state}: {answer.status_code} {answer.text[:300]}"
            if wanted:
                assert answer.status_code in wanted, told
            elif row.who == "anybody":
                assert answer.status_code not in {403, 500}, told
            else:
                gone: set[int] = {404} if "{key_id}" not in name else set()
                assert answer.status_code not in {401, 403, 405, 500} | gone, told
            if answer.status_code == 303 and user is None and row.who != "anybody":
                assert answer.headers["location"].startswith("/sign-in?next="), told


@pytest.mark.parametrize("name", [name for name in OF_A_THING if name.startswith("GET")])
async def test_to_read_changes_nothing(world: World, name: str) -> None:
    """Mail scanners and previews open every link, with whatever query a link may hold."""
    await world.thing(TABLE[name], "pending")
    tail = await world.site.ledger.tail()
    for query in ("", "?type=approve&confirmed=1", "?timeout=0"):
        method, path = name.split(" ")
        filled = await world.thing(TABLE[name], "pending")
        tail = await world.site.ledger.tail()
        url = re.sub(r"{([^}]+)}", lambda found: filled[found[1]], path)  # noqa: B023 - used at once
        for verb in (method, "HEAD"):
            await world.client("dana").request(verb, url + query)
        assert (await world.site.ledger.tail(), world.site.temporal.updates) == (tail, [])


async def test_what_one_may_not_see_is_in_no_list_search_or_count(world: World) -> None:
    approval = await asked(world.client("bot"), approvers=FINANCE, title="Refund for the secret customer")
    for user, seen in {"dana": True, "audra": True, "bot": True, "robot": False, "eve": False, "max": False}.items():
        for query in ("", "&q=secret", "&tool=refund", "&sort=-requested_at"):
            items = (await world.client(user).get(f"/v1/approvals?status=any{query}")).json()["items"]
            assert [one["id"] for one in items] == ([approval["id"]] if seen else []), (user, query)
        if user != "robot":
            page = await world.client(user).get("/inbox?q=secret")
            assert ("Refund for the secret customer" in page.text) is seen, user
            assert ("(1)" in page.text.split("</title>")[0]) is seen, user


@pytest.mark.parametrize("user", ["robot"])
async def test_an_agents_key_never_decides_not_even_where_it_is_the_requester(world: World, user: str) -> None:
    robot = world.client(user)
    question = (await robot.post("/v1/approvals", json={**QUESTION, "approvers": ["requester"]})).json()
    answers = {"q1": {"options": ["1"]}, "q2": {"text": "x"}}
    problem(await said(robot, question, "answer", answers=answers), 403, "not_allowed")
    batch = {"decisions": [{"approval_id": question["id"], "type": "skip", "digest": question["digest"]}]}
    problem(await robot.post("/v1/decisions", json=batch), 403, "not_allowed")
    assert (await robot.get(f"/approvals/{question['id']}")).status_code == 403
    assert world.site.temporal.updates == []


@pytest.mark.parametrize("given", [{"roles": ["approver"]}, {"roles": ["requester", "admin"]}, {"groups": ["finance"]}])
def test_an_agent_can_be_no_more_than_one(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="an agent has the role requester"):
        User.model_validate({"agent": True, **given})


@pytest.mark.parametrize("user", ["max", "root"])
async def test_nobody_decides_on_their_own_call_wherever_they_try(world: World, user: str) -> None:
    approval = await asked(world.client(user))
    client = world.client(user)
    problem(await said(client, approval), 403, "self_approval")
    form = {"type": "approve", "digest": approval["digest"]}
    assert (await client.post(f"/approvals/{approval['id']}/decision", data=form)).status_code == 403
    item = {"approval_id": approval["id"], "type": "approve", "digest": approval["digest"]}
    refused = problem(await client.post("/v1/decisions", json={"decisions": [item]}), 422, "invalid_request")
    assert refused["errors"][0]["code"] == "self_approval"
    pick = {"type": "approve", "batch": "b", "pick": f"{approval['id']} {approval['digest']}"}
    await client.post("/inbox/several/decision", data=pick)
    assert world.site.temporal.updates == []
