"""Signing in at panva's oidc-provider, which is certified: what it really sends is what counts here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from httpx import AsyncClient, Response

from placet.api.auth.oidc import endpoints
from placet.api.decisions.delivery import utc_now
from placet.contracts.sign_in import SignIn
from placet.engine.ports import free_port
from placet_testing.gateway import Site, asked, config_of, people, problem, said
from placet_testing.oidc.forger import unsigned
from placet_testing.oidc.panva import SECRET, SECRET_VARIABLE, Panva, Visitor, running_panva
from placet_testing.web import as_sent, on_a_page, read

GATEWAY = "http://127.0.0.1:7117"
OURS = {"Origin": GATEWAY, "Sec-Fetch-Site": "same-origin"}
OPEN: dict[str, Any] = {"expires_after": "never"}
"""The provider's clock is this machine's, and so is the gateway's; approvals here have another one."""


class Clock:
    """This machine's time, and later where a test says so."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@pytest.fixture(scope="module")
def panva() -> Iterator[Panva]:
    with running_panva(free_port(), [GATEWAY]) as provider:
        yield provider


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def site(
    make_site: Callable[..., Site], panva: Panva, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Site]:
    monkeypatch.setenv(SECRET_VARIABLE, SECRET)
    known = people().model_copy(update={"sign_in": SignIn(oidc=panva.oidc())})
    made = make_site(config_of(known), clock=clock)
    yield made
    await made.app.state.services.auth.provider.close()


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    made = Visitor("dana")
    yield made
    made.close()


async def come_back(browser: AsyncClient, visitor: Visitor, path: str = "/inbox", **query: str) -> Response:
    """Goes through the provider, and returns what the gateway answers to who comes back."""
    away = await browser.get("/sign-in/provider", params={"next": path, **query})
    assert away.status_code == 303, away.text
    return await browser.get(visitor.pass_through(away.headers["location"]))


async def signed_in(site: Site, visitor: Visitor) -> AsyncClient:
    browser = site.client(**OURS)
    answer = await come_back(browser, visitor)
    assert answer.status_code == 200, answer.text
    return browser


async def me(browser: AsyncClient) -> dict[str, Any]:
    return (await browser.get("/v1/me")).json()


async def test_the_providers_groups_give_the_roles_and_a_decision_keeps_how_they_signed_in(
    site: Site, visitor: Visitor
) -> None:
    browser = await on_a_page(await signed_in(site, visitor))
    known = await me(browser)
    assert (known["id"], known["roles"], known["groups"]) == ("user:dana", ["approver"], ["approvers", "finance"])
    approval = await asked(site.client("bot"), **OPEN)
    browser = await on_a_page(browser)
    form = read(await browser.get(f"/approvals/{approval['id']}")).select_one("form[data-decide=approve]")
    assert form is not None
    assert (await browser.post(f"/approvals/{approval['id']}/decision", data=as_sent(form))).status_code == 303
    decision = (await browser.get(f"/v1/approvals/{approval['id']}")).json()["decision"]
    assert decision["by"] == {"id": "user:dana", "name": "Dana Ito", "via": "web"}
    proof = decision["proof"]
    assert (proof["method"], proof["credential"]) == ("oidc", known["credential"])
    assert proof["authenticated_at"] is not None


@pytest.mark.parametrize(("login", "roles"), [("olga", ["admin"]), ("nina", [])])
async def test_a_person_that_only_the_provider_knows_comes_in(site: Site, login: str, roles: list[str]) -> None:
    visitor = Visitor(login)
    browser = await signed_in(site, visitor)
    visitor.close()
    known = await me(browser)
    assert (known["id"], known["name"], known["roles"]) == (f"user:{login}", f"{login} of the provider", roles)
    assert (await browser.get("/inbox")).status_code == (200 if roles else 403)


async def test_the_provider_may_change_its_key_while_people_are_signed_in(
    site: Site, visitor: Visitor, panva: Panva, clock: Clock
) -> None:
    browser = await signed_in(site, visitor)
    panva.rotate()
    assert (await me(browser))["id"] == "user:dana"
    clock.ahead += timedelta(seconds=31)
    assert (await me(await signed_in(site, visitor)))["id"] == "user:dana"


async def test_a_grave_decision_asks_for_the_password_again(
    site: Site, visitor: Visitor, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    browser = await on_a_page(await signed_in(site, visitor))
    approval = await asked(site.client("bot"), risk="high", **OPEN)
    clock.ahead += timedelta(minutes=11)
    refused = problem(await said(browser, approval), 401, "unauthenticated")
    assert (refused["max_age"], refused["sign_in"]) == (600, f"/sign-in?next=%2Fapprovals%2F{approval['id']}&fresh=1")
    card = read(await browser.get(f"/approvals/{approval['id']}"))
    again = card.find("a", string="Sign in again to approve")
    assert again is not None
    assert again["href"] == refused["sign_in"]
    # Nobody waits ten minutes here: for the provider, whose clock is not ours, lately is a second ago.
    monkeypatch.setattr(endpoints, "FRESH", timedelta(seconds=1))
    clock.ahead = timedelta(0)
    await asyncio.sleep(2.1)
    assert visitor.typed == 1
    answer = await come_back(browser, visitor, fresh="1")
    assert answer.status_code == 200, answer.text
    assert visitor.typed == 2, "the provider has asked for the password again"
    browser = await on_a_page(browser)
    form = read(await browser.get(f"/approvals/{approval['id']}")).select_one("form[data-decide=approve]")
    assert form is not None
    sent = as_sent(form) | {"confirmed": [approval["digest"]]}
    decided = await browser.post(f"/approvals/{approval['id']}/decision", data=sent)
    assert decided.status_code == 303, decided.text
    assert (await browser.get(f"/v1/approvals/{approval['id']}")).json()["status"] == "approved"


async def test_who_signs_out_is_led_to_the_end_of_the_session_at_the_provider(site: Site, visitor: Visitor) -> None:
    browser = await on_a_page(await signed_in(site, visitor))
    token = {"csrf_token": browser.headers["X-Placet-CSRF"]}
    left = await browser.post("/sign-out", data=token)
    link = read_link(left)
    assert "/session/end?client_id=placet&post_logout_redirect_uri=" in link
    assert visitor.sees(link) == 200, "the provider knows the client and the address to come back to"
    problem(await browser.get("/v1/me"), 401, "unauthenticated")


def read_link(answer: Response) -> str:
    found = BeautifulSoup(answer.text, "html.parser").find("a")
    assert found is not None
    return str(found["href"])


async def test_an_address_that_led_back_once_leads_back_no_more(site: Site, visitor: Visitor) -> None:
    browser, thief = site.client(**OURS), site.client(**OURS)
    away = await browser.get("/sign-in/provider")
    back = visitor.pass_through(away.headers["location"])
    assert (await thief.get(back)).status_code == 401, "another browser has not asked"
    assert (await browser.get(back)).status_code == 200
    assert (await browser.get(back)).status_code == 401


async def test_a_program_comes_in_with_the_providers_token_and_with_no_other(site: Site, panva: Panva) -> None:
    token = panva.access_token()
    known = await me(site.client(Authorization=f"Bearer {token}"))
    assert (known["id"], known["method"], known["roles"]) == ("user:robot", "jwt", ["requester"])
    header, claims, mark = token.split(".")
    other = panva.access_token().split(".")
    forged = (
        unsigned({"sub": "dana"}),
        f"{header}.{claims}.",
        f"{header}.{claims}.{mark[:-4]}AAAA",
        f"{header}.{other[1]}.{mark}",
        f"{other[0]}.{claims}.{other[2]}",
        f"{header}.{claims}",
        token + ".x",
    )
    for one in forged:
        problem(await site.client(Authorization=f"Bearer {one}").get("/v1/me"), 401, "unauthenticated")
