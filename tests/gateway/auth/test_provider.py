"""Signing in at an identity provider: what comes back counts only if it answers our own question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from httpx import AsyncClient, Response
from joserfc import jwt

from placet.api.policy import ConfiguredPolicy
from placet.contracts.config import People, PolicyConfig, Rule
from placet.contracts.sign_in import SignIn
from placet_testing.gateway import Site, asked, config_of, people, problem, said
from placet_testing.oidc.forger import AUDIENCE, CLIENT, ISSUER, Forger, by_hand, by_public_key, new_key, oidc, unsigned

Forge = Callable[[Forger], None]


def knowing(**changed: Any) -> People:
    return people().model_copy(update={"sign_in": SignIn(oidc=oidc(**changed))})


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site(config_of(knowing()))


@pytest.fixture
def forger(site: Site) -> Forger:
    return forging(site)


def forging(site: Site) -> Forger:
    made = Forger(lambda: site.clock().timestamp())
    site.app.state.services.auth.provider.http = made.client()
    return made


async def leave(browser: AsyncClient, path: str = "/inbox", **query: str) -> dict[str, str]:
    """Goes to the provider, and returns what it is asked."""
    answer = await browser.get("/sign-in/provider", params={"next": path, **query})
    assert answer.status_code == 303, answer.text
    address = urlsplit(answer.headers["location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{ISSUER}/authorize"
    return {name: values[0] for name, values in parse_qs(address.query).items()}


async def come_back(browser: AsyncClient, **query: str) -> Response:
    return await browser.get("/sign-in/callback", params={"code": "c-1", "iss": ISSUER, **query})


async def signed_in(site: Site, forger: Forger) -> AsyncClient:
    browser = site.client()
    asked = await leave(browser)
    forger.nonce = asked["nonce"]
    answer = await come_back(browser, state=asked["state"])
    assert answer.status_code == 200, answer.text
    return browser


async def test_a_sign_in_asks_everything_and_opens_a_session(site: Site, forger: Forger) -> None:
    browser = site.client()
    asked = await leave(browser, "/approvals/1")
    assert asked["response_type"] == "code"
    assert asked["scope"] == "openid profile email"
    assert asked["code_challenge_method"] == "S256"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert asked["redirect_uri"] == "http://127.0.0.1:7117/sign-in/callback"
    forger.nonce = asked["nonce"]
    answer = await come_back(browser, state=asked["state"])
    assert 'content="0;url=/approvals/1"' in answer.text
    assert "placet_provider" not in browser.cookies
    me = (await browser.get("/v1/me")).json()
    assert (me["id"], me["name"], me["method"]) == ("user:dana", "Dana Ito", "session")
    assert (me["groups"], me["roles"]) == (["approvers", "finance"], ["approver"])
    assert len(forger.redeemed[0]["code_verifier"][0]) >= 43


async def test_who_the_configuration_does_not_name_has_what_their_groups_give(site: Site, forger: Forger) -> None:
    forger.claims = {"sub": "someone", "groups": ["bosses", 1, ""]}
    me = (await (await signed_in(site, forger)).get("/v1/me")).json()
    assert (me["id"], me["name"], me["roles"]) == ("user:someone", "Dana of the provider", ["admin"])
    forger.claims = {"sub": "stranger", "groups": None}
    forger.redeemed.clear()
    stranger = await signed_in(site, forger)
    assert (await stranger.get("/v1/me")).json()["roles"] == []
    problem(await stranger.get("/v1/approvals"), 403, "not_allowed")


async def test_after_the_sign_out_the_provider_is_asked_to_end_its_session_too(site: Site, forger: Forger) -> None:
    browser = await signed_in(site, forger)
    credential = (await browser.get("/v1/me")).json()["credential"]
    token = await site.app.state.services.auth.signer.mark("form", credential)
    headers = {"Origin": "http://127.0.0.1:7117", "X-Placet-CSRF": token}
    answer = await browser.post("/sign-out", headers=headers)
    assert f"url={ISSUER}/end?client_id=placet&amp;post_logout_redirect_uri=http%3A%2F%2F127.0.0.1" in answer.text
    problem(await browser.get("/v1/me"), 401, "unauthenticated")


def made_by(make: Callable[[Forger, dict[str, Any]], str]) -> Forge:
    def forge(forger: Forger) -> None:
        forger.make = lambda claims: make(forger, claims)

    return forge


def claiming(**claims: Any) -> Forge:
    def forge(forger: Forger) -> None:
        forger.claims = {name: value(forger.now()) if callable(value) else value for name, value in claims.items()}

    return forge


def later(seconds: float) -> Callable[[float], float]:
    return lambda now: now + seconds


def header(**changed: Any) -> Forge:
    def make(forger: Forger, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": "one", **changed}, claims, forger.key)

    return made_by(make)


def signed_by_hand(**changed: Any) -> Forge:
    return made_by(lambda forger, claims: by_hand(forger.key, claims, **changed))


def another_key(forger: Forger, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": forger.key.kid}, claims, new_key(forger.key.kid))


def embedded_key(_: Forger, claims: dict[str, Any]) -> str:
    key = new_key("one")
    return jwt.encode({"alg": "RS256", "kid": "one", "jwk": key.as_dict(private=False)}, claims, key)


FORGED: dict[str, Forge] = {
    "alg none": made_by(lambda _, claims: unsigned(claims)),
    "alg None": made_by(lambda _, claims: unsigned(claims, "None")),
    "no alg": made_by(lambda _, claims: unsigned(claims, "")),
    "the public key as a secret": made_by(lambda forger, claims: by_public_key(forger.key, claims)),
    "another key under its kid": made_by(another_key),
    "a key that it brings itself": made_by(embedded_key),
    "a kid that is a path": header(kid="../../dev/null"),
    "a kid that nobody has": header(kid="two"),
    "a kid that is a number": signed_by_hand(kid=1),
    "a kid that is a list": signed_by_hand(kid=["one"]),
    "a kid that is empty": signed_by_hand(kid=""),
    "a critical header": signed_by_hand(crit=["x"], x=1),
    "a payload that is not encoded": signed_by_hand(crit=["b64"], b64=False),
    "an algorithm for another kind of key": signed_by_hand(alg="ES256"),
    "another algorithm than it was signed by": signed_by_hand(alg="PS256"),
    "no signature": made_by(lambda _, claims: unsigned(claims, "RS256")),
    "a signature that is none": made_by(lambda _, claims: unsigned(claims, "RS256") + "AAAA"),
    "no token": made_by(lambda _, __: "x.y"),
    "too long": claiming(x="x" * 20_000),
    "another issuer": claiming(iss="https://evil.example"),
    "the issuer with a slash": claiming(iss=ISSUER + "/"),
    "no issuer": claiming(iss=None),
    "another audience": claiming(aud="someone-else"),
    "no audience": claiming(aud=None),
    "two audiences and no party": claiming(aud=[CLIENT, "someone-else"]),
    "issued to another party": claiming(azp="someone-else"),
    "another nonce": claiming(nonce="mine"),
    "no nonce": claiming(nonce=None),
    "expired": claiming(exp=later(-31)),
    "no end": claiming(exp=None),
    "an end that is a text": claiming(exp="9999999999"),
    "an end beyond time": claiming(exp=1e300),
    "issued in the future": claiming(iat=later(120)),
    "issued long ago": claiming(iat=later(-3_600)),
    "no time of issue": claiming(iat=None),
    "not valid yet": claiming(nbf=later(120)),
    "nobody": claiming(sub=None),
    "a name with a line end": claiming(sub="dana\n"),
    "an old sign-in": claiming(auth_time=later(-100_000)),
    "an unknown time of sign-in": claiming(auth_time=None),
}


async def test_what_is_signed_by_hand_counts_where_nothing_is_wrong_with_it(site: Site, forger: Forger) -> None:
    signed_by_hand()(forger)
    assert (await (await signed_in(site, forger)).get("/v1/me")).status_code == 200


@pytest.mark.parametrize("forged", FORGED)
async def test_a_forged_token_signs_nobody_in(site: Site, forger: Forger, forged: str) -> None:
    browser = site.client()
    asked = await leave(browser)
    forger.nonce = asked["nonce"]
    FORGED[forged](forger)
    answer = await come_back(browser, state=asked["state"])
    assert answer.status_code == 401, answer.text
    assert "placet_session" not in browser.cookies
    problem(await browser.get("/v1/me"), 401, "unauthenticated")


ANSWERS: dict[str, dict[str, str]] = {
    "another state": {"state": "x" * 43},
    "no state": {"state": ""},
    "another issuer": {"iss": "https://evil.example"},
    "no issuer, though it always names itself": {"iss": ""},
    "an error": {"error": "access_denied", "code": ""},
    "no code": {"code": ""},
}


@pytest.mark.parametrize("answered", ANSWERS)
async def test_an_answer_to_another_question_is_none(site: Site, forger: Forger, answered: str) -> None:
    browser = site.client()
    asked = await leave(browser)
    forger.nonce = asked["nonce"]
    answer = await come_back(browser, **{"state": asked["state"], **ANSWERS[answered]})
    assert answer.status_code == 401
    assert not forger.redeemed
    again = await come_back(browser, state=asked["state"])
    assert again.status_code == 401, "one question has one answer"


async def test_an_answer_counts_in_the_browser_that_asked_only(site: Site, forger: Forger) -> None:
    """Else somebody signs a victim in as themselves, by a link (login CSRF)."""
    attacker, victim = site.client(), site.client()
    asked = await leave(attacker)
    await leave(victim)
    forger.nonce = asked["nonce"]
    assert (await come_back(victim, state=asked["state"])).status_code == 401
    assert (await come_back(site.client(), state=asked["state"])).status_code == 401


async def test_a_code_is_redeemed_once(site: Site, forger: Forger) -> None:
    browser = site.client()
    asked = await leave(browser)
    cookie = browser.cookies["placet_provider"]
    forger.nonce = asked["nonce"]
    assert (await come_back(browser, state=asked["state"])).status_code == 200
    thief = site.client(Cookie=f"placet_provider={cookie}")
    assert (await come_back(thief, state=asked["state"])).status_code == 401


async def test_a_question_is_forgotten_after_ten_minutes(site: Site, forger: Forger) -> None:
    browser = site.client()
    asked = await leave(browser)
    forger.nonce = asked["nonce"]
    site.clock.advance(minutes=10)
    assert (await come_back(browser, state=asked["state"])).status_code == 401


async def test_a_new_key_of_the_provider_is_learnt_and_an_unknown_one_asks_seldom(site: Site, forger: Forger) -> None:
    await signed_in(site, forger)
    forger.key = new_key("two")
    forger.redeemed.clear()
    site.clock.advance(minutes=1)
    await signed_in(site, forger)
    assert forger.asked_for_keys == 2
    for _ in range(3):
        browser = site.client()
        asked = await leave(browser)
        forger.nonce = asked["nonce"]
        header(kid="nobody")(forger)
        forger.redeemed.clear()
        assert (await come_back(browser, state=asked["state"])).status_code == 401
    assert forger.asked_for_keys == 2


async def test_a_provider_that_is_down_is_not_asked_for_each_unknown_key(site: Site, forger: Forger) -> None:
    """Tokens of a key that is known come in all the while."""
    honest = site.client(Authorization=f"Bearer {forger.access_token()}")
    assert (await honest.get("/v1/me")).status_code == 200
    token = forger.access_token()
    header(kid="nobody")(forger)
    stranger = site.client(Authorization=f"Bearer {forger.access_token()}")
    site.clock.advance(minutes=1)
    forger.without_keys = True
    problem(await stranger.get("/v1/me"), 503, "unavailable")
    for _ in range(3):
        problem(await stranger.get("/v1/me"), 401, "unauthenticated")
    assert forger.asked_for_keys == 2
    assert (await site.client(Authorization=f"Bearer {token}").get("/v1/me")).status_code == 200


async def test_a_provider_that_calls_itself_otherwise_is_not_used(site: Site, forger: Forger) -> None:
    forger.discovery = {"issuer": "https://evil.example"}
    problem(await site.client().get("/sign-in/provider"), 503, "unavailable")
    page = await site.client(Accept="text/html").get("/sign-in/provider")
    assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "calls itself" in page.text
    assert int(page.headers["retry-after"]) > 0
    assert "Sign in with your organisation" in page.text, "to try it again"


async def test_a_browser_that_nobody_is_signed_in_in_is_led_from_signing_out_to_signing_in(site: Site) -> None:
    answer = await site.client(Accept="text/html").post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    problem(await site.client().post("/sign-out"), 401, "unauthenticated")


async def test_who_has_just_signed_out_is_not_led_to_the_provider_by_itself(site: Site) -> None:
    """A provider that has no sign-out still knows them, and would let them in again at once."""
    waiting = await site.client().get("/sign-in")
    assert waiting.status_code == 200
    assert "/sign-in/provider?next=%2F" in waiting.text
    onward = await site.client().get("/sign-in", params={"next": "/inbox"})
    assert onward.headers["location"] == "/sign-in/provider?next=%2Finbox"


async def test_a_new_sign_in_ends_the_session_before_though_its_cookie_stays_away(site: Site, forger: Forger) -> None:
    browser = await signed_in(site, forger)
    old = dict(browser.cookies)["placet_session"]
    asked = await leave(browser)
    forger.nonce = asked["nonce"]
    forger.redeemed.clear()
    # The provider's redirect comes from another site: a browser keeps a strict cookie back.
    browser.cookies.delete("placet_session")
    await come_back(browser, state=asked["state"])
    assert browser.cookies["placet_session"] != old
    stolen = site.client(Cookie=f"placet_session={old}")
    problem(await stolen.get("/v1/me"), 401, "unauthenticated")


async def test_a_fresh_sign_in_is_asked_for_and_checked(site: Site, forger: Forger) -> None:
    browser = site.client()
    asked = await leave(browser, fresh="1")
    assert asked["max_age"] == "600"
    forger.nonce = asked["nonce"]
    forger.claims = {"auth_time": site.clock().timestamp() - 700}
    assert (await come_back(browser, state=asked["state"])).status_code == 401


async def test_an_edit_to_something_grave_wants_a_fresh_sign_in_too(make_site: Callable[..., Site]) -> None:
    grave = Rule(name="board", tool=("refund",), when="args.amount > 500.0", effect="ask", risk="critical")
    config = config_of(knowing(), policy=PolicyConfig(rules=(grave,)))
    site = make_site(config, policy=ConfiguredPolicy(config))
    browser = await signed_in(site, forging(site))
    approval = await asked(site.client("bot"), risk="low")
    site.clock.advance(minutes=11)
    token = await site.app.state.services.auth.signer.mark("form", (await browser.get("/v1/me")).json()["credential"])
    browser.headers.update({"Origin": "http://127.0.0.1:7117", "X-Placet-CSRF": token})
    edit = await said(browser, approval, "edit", args={"amount": 600, "order": "A-1"})
    refused = problem(edit, 401, "unauthenticated")
    assert refused["max_age"] == 600
    assert not site.temporal.updates
    assert (await said(browser, approval)).json()["status"] == "approved"


async def test_an_address_counts_as_a_name_only_where_it_is_verified(make_site: Callable[..., Site]) -> None:
    site = make_site(config_of(knowing(user_claim="email")))
    forger = forging(site)
    for verified, status in ((True, 200), (False, 401), (None, 401), ("true", 401)):
        browser = site.client()
        asked = await leave(browser)
        forger.nonce = asked["nonce"]
        forger.redeemed.clear()
        forger.claims = {"email": "dana@example.com", "email_verified": verified}
        assert (await come_back(browser, state=asked["state"])).status_code == status


async def test_a_program_comes_in_with_an_access_token(site: Site, forger: Forger) -> None:
    token = forger.access_token()
    me = (await site.client(Authorization=f"Bearer {token}").get("/v1/me")).json()
    assert (me["id"], me["method"]) == ("user:robot", "jwt")
    assert me["roles"] == ["requester"], "an agent decides nothing, whatever groups its provider gives it"
    assert me["credential"] not in token
    site.clock.advance(minutes=6)
    problem(await site.client(Authorization=f"Bearer {token}").get("/v1/me"), 401, "unauthenticated")


OTHERS: list[dict[str, Any]] = [
    {"aud": CLIENT},
    {"aud": None},
    {"nonce": "n"},
    {"iss": "https://evil.example"},
    {"exp": 0},
    {"iat": None},
    {"sub": ""},
]


@pytest.mark.parametrize("claims", OTHERS)
async def test_another_token_opens_nothing(site: Site, forger: Forger, claims: dict[str, Any]) -> None:
    client = site.client(Authorization=f"Bearer {forger.access_token(**claims)}")
    problem(await client.get("/v1/me"), 401, "unauthenticated")


async def test_an_id_token_is_no_access_token(site: Site, forger: Forger) -> None:
    forger.claims = {"aud": [CLIENT, AUDIENCE], "azp": CLIENT}
    forger.nonce = "n"
    problem(await site.client(Authorization=f"Bearer {forger.id_token()}").get("/v1/me"), 401, "unauthenticated")
