"""Signing in with a browser: sessions, their cookies, and how they end."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from bs4 import BeautifulSoup
from httpx import AsyncClient, Response

from placet.api.auth.assembly import PER_ACCOUNT, PER_ACCOUNT_AND_ADDRESS, PER_ADDRESS
from placet.api.auth.limits import Guesses, Limiter
from placet.api.errors import ProblemError
from placet.contracts.config import Config
from placet.contracts.sign_in import SignIn
from placet_testing.fake_temporal import FakeClock
from placet_testing.gateway import Site, asked, config_of, key_of, people, problem, said
from placet_testing.web import as_sent

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
OURS = {"Origin": "http://127.0.0.1:7117", "Sec-Fetch-Site": "same-origin"}
PASSWORD = "correct horse battery staple"  # noqa: S105 - of a test


@pytest.fixture
def with_accounts(tmp_path: Path) -> Config:
    """People of whom two have passwords."""
    path = tmp_path / "accounts.txt"
    path.write_text("# people\n" + "".join(f"{name}:{QUICK.hash(PASSWORD)}\n" for name in ("dana", "max")))
    return config_of(people().model_copy(update={"sign_in": SignIn(accounts=str(path))}))


@pytest.fixture
def site(make_site: Callable[..., Site], with_accounts: Config) -> Site:
    return make_site(with_accounts)


def field(page: Response, name: str) -> str:
    found = BeautifulSoup(page.text, "html.parser").find("input", {"name": name})
    assert found is not None
    return str(found["value"])


async def submit(
    browser: AsyncClient, user: str = "dana", password: str = PASSWORD, *, onward: str = "/inbox", **headers: str
) -> Response:
    """Loads the page and sends its form, as a browser does."""
    page = await browser.get("/sign-in", params={"next": onward})
    fields = {"csrf_token": field(page, "csrf_token"), "next": field(page, "next"), "user": user, "password": password}
    return await browser.post("/sign-in/account", data=fields, headers={**OURS, **headers})


async def signed_in(site: Site, user: str = "dana") -> AsyncClient:
    browser = site.client()
    answer = await submit(browser, user)
    assert answer.status_code == 303, answer.text
    return browser


async def test_a_password_opens_a_session_that_is_its_owner(site: Site) -> None:
    browser = site.client()
    answer = await submit(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/inbox")
    cookie = answer.headers["set-cookie"]
    assert re.match(
        r"placet_session=[\w-]{43}\.[0-9a-f]{64}; HttpOnly; Max-Age=86400; Path=/; SameSite=strict$", cookie
    )
    me = (await browser.get("/v1/me")).json()
    assert (me["id"], me["name"], me["groups"], me["roles"]) == ("user:dana", "Dana Ito", ["finance"], ["approver"])
    assert (me["method"], me["client"], len(me["credential"])) == ("session", "web", 12)
    assert me["credential"] not in cookie


async def test_over_https_the_cookies_are_bound_to_this_host(site: Site) -> None:
    browser = site.client(Origin="https://127.0.0.1:7117")
    browser.base_url = "https://127.0.0.1:7117"
    page = await browser.get("/sign-in")
    assert page.headers["set-cookie"].startswith("__Host-placet_sign_in=")
    answer = await submit(browser, Origin="https://127.0.0.1:7117")
    assert re.search(
        r"__Host-placet_session=.*; HttpOnly; .*Path=/; SameSite=strict; Secure$", answer.headers["set-cookie"]
    )
    assert "Domain" not in answer.headers["set-cookie"]
    assert (await browser.get("/v1/me")).status_code == 200
    plain = {"Cookie": "placet_session=" + browser.cookies["__Host-placet_session"]}
    stranger = site.client(**plain)
    stranger.base_url = "https://127.0.0.1:7117"
    problem(await stranger.get("/v1/me"), 401, "unauthenticated")


@pytest.mark.parametrize(("user", "password"), [("dana", "wrong"), ("nobody-at-all", PASSWORD), ("root", ""), ("", "")])
async def test_a_wrong_name_and_a_wrong_password_read_the_same(site: Site, user: str, password: str) -> None:
    answer = await submit(site.client(), user, password)
    assert answer.status_code == 401
    assert "The name or the password is wrong." in answer.text
    assert "placet_session" not in answer.headers.get("set-cookie", "")


async def test_a_site_over_https_takes_no_form_of_its_plain_twin(
    make_site: Callable[..., Site], with_accounts: Config
) -> None:
    """Behind a proxy that does not say how a request came, and under the public address."""
    site = make_site(with_accounts, having={"public_url": "https://placet.example"})
    browser = site.client()
    browser.base_url = "http://placet.example"
    page = await browser.get("/sign-in")
    assert page.headers["set-cookie"].startswith("__Host-placet_sign_in=")
    assert "; Secure" in page.headers["set-cookie"]
    fields = {"csrf_token": field(page, "csrf_token"), "next": "/inbox", "user": "dana", "password": PASSWORD}
    cookie = {"Cookie": page.headers["set-cookie"].partition(";")[0]}
    sent = [
        await browser.post("/sign-in/account", data=fields, headers={**cookie, "Origin": f"{scheme}://placet.example"})
        for scheme in ("http", "https")
    ]
    assert [answer.status_code for answer in sent] == [403, 303]


async def test_guessing_is_slowed_down_for_the_account_and_for_the_address(site: Site) -> None:
    browser = site.client()
    answers = [await submit(browser, "dana", f"guess {n}") for n in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert (await submit(browser)).status_code == 429, "the right password is refused as well, for now"
    assert (await submit(browser, "max")).status_code == 303
    others = [await submit(browser, f"user-{n}", "guess") for n in range(20)]
    assert [answer.status_code for answer in others] == [401] * 19 + [429]
    site.clock.advance(minutes=2)
    assert (await submit(browser)).status_code == 303


def test_a_stranger_locks_nobody_out_and_many_strangers_guess_no_more_than_a_hundred_times() -> None:
    guesses = Guesses(*(Limiter(rate, FakeClock()) for rate in (PER_ADDRESS, PER_ACCOUNT_AND_ADDRESS, PER_ACCOUNT)))

    def tried(address: str, count: int) -> int:
        for done in range(count):
            try:
                guesses.take("dana", address)
            except ProblemError:
                return done
        return count

    assert tried("203.0.113.1", 50) == 10
    assert tried("198.51.100.7", 1) == 1, "dana herself, from where she sits"
    assert tried("2001:db8::1", 10) == 10
    assert tried("2001:db8::dead:beef", 10) == 0, "the same household has 2 ** 64 addresses"
    assert tried("::ffff:203.0.113.1", 10) == 0
    assert sum(tried(f"192.0.2.{n}", 10) for n in range(20)) == 79


async def test_a_session_ends_when_its_owner_signs_out(site: Site) -> None:
    browser = await signed_in(site)
    cookie = browser.cookies["placet_session"]
    token = await token_of(site, browser)
    answer = await browser.post("/sign-out", data={"csrf_token": token}, headers=OURS)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert "placet_session" not in browser.cookies
    problem(await site.client(Cookie=f"placet_session={cookie}").get("/v1/me"), 401, "unauthenticated")


async def test_a_session_that_was_there_before_ends_with_the_new_one(site: Site) -> None:
    """Else somebody could plant their own session and share it with who signs in (session fixation)."""
    browser = await signed_in(site)
    planted = browser.cookies["placet_session"]
    assert (await submit(browser, "max")).status_code == 303
    assert browser.cookies["placet_session"] != planted
    problem(await site.client(Cookie=f"placet_session={planted}").get("/v1/me"), 401, "unauthenticated")
    assert (await browser.get("/v1/me")).json()["id"] == "user:max"


async def test_an_idle_session_ends_and_a_used_one_ends_a_day_later(site: Site) -> None:
    idle, used = await signed_in(site), await signed_in(site)
    for _ in range(3):
        site.clock.advance(hours=7)
        assert (await used.get("/v1/me")).status_code == 200
    problem(await idle.get("/v1/me"), 401, "unauthenticated")
    site.clock.advance(hours=3)
    problem(await used.get("/v1/me"), 401, "unauthenticated")


@pytest.mark.parametrize(
    "forged", ["{secret}.{mark}0", "x{secret}.{mark}", "{secret}", "{secret}.", ".{mark}", "é.é", ""]
)
async def test_a_cookie_that_was_changed_is_none(site: Site, forged: str) -> None:
    browser = await signed_in(site)
    secret, _, mark = browser.cookies["placet_session"].partition(".")
    cookie = forged.format(secret=secret, mark=mark).encode("latin-1")
    stranger = site.client()
    answer = await stranger.get("/v1/me", headers=[(b"Cookie", b"placet_session=" + cookie)])
    problem(answer, 401, "unauthenticated")


async def test_a_wrong_key_is_not_made_up_for_by_a_cookie(site: Site) -> None:
    browser = await signed_in(site)
    problem(await browser.get("/v1/me", headers={"Authorization": "Bearer wrong"}), 401, "unauthenticated")
    answer = await browser.get("/v1/me", headers={"Authorization": f"Bearer {key_of('bot')}"})
    assert answer.json()["id"] == "user:bot"


async def test_a_session_is_seen_by_every_gateway_and_revoked_in_all(
    site: Site, make_site: Callable[..., Site], with_accounts: Config
) -> None:
    other = make_site(with_accounts)
    browser = await signed_in(site)
    same = other.client(Cookie=f"placet_session={browser.cookies['placet_session']}")
    assert (await same.get("/v1/me")).status_code == 200
    token = await token_of(site, browser)
    await browser.post("/sign-out", data={"csrf_token": token}, headers=OURS)
    problem(await same.get("/v1/me"), 401, "unauthenticated")


async def token_of(site: Site, browser: AsyncClient) -> str:
    """The token that the pages of a session carry."""
    credential = (await browser.get("/v1/me")).json()["credential"]
    return await site.app.state.services.auth.signer.mark("form", credential)


FORGED: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "no token": ({}, OURS),
    "wrong token": ({"X-Placet-CSRF": "0" * 64}, OURS),
    "another origin": ({}, {"Origin": "https://evil.example"}),
    "another port of this machine": ({}, {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-site"}),
    "no origin at all": ({}, {}),
    "cross-site": ({}, {**OURS, "Sec-Fetch-Site": "cross-site"}),
    "typed": ({}, {**OURS, "Sec-Fetch-Site": "none"}),
    "opaque origin": ({}, {"Origin": "null"}),
}


@pytest.mark.parametrize("forged", FORGED)
async def test_what_another_site_makes_a_browser_send_decides_nothing(site: Site, forged: str) -> None:
    approval = await asked(site.client("bot"))
    browser = await signed_in(site)
    replaced, headers = FORGED[forged]
    token = {} if forged == "no token" else {"X-Placet-CSRF": await token_of(site, browser)}
    browser.headers.update({**token, **headers, **replaced})
    problem(await said(browser, approval), 403, "not_allowed")
    assert site.temporal.updates == []


async def test_with_the_pages_token_a_session_decides(site: Site) -> None:
    approval = await asked(site.client("bot"))
    browser = await signed_in(site)
    browser.headers.update({**OURS, "X-Placet-CSRF": await token_of(site, browser)})
    answer = await said(browser, approval)
    assert answer.json()["decision"]["by"] == {"id": "user:dana", "name": "Dana Ito", "via": "web"}


async def test_in_a_browser_a_grave_call_runs_by_the_second_look_of_its_page_only(site: Site) -> None:
    browser = await signed_in(site)
    browser.headers.update({**OURS, "X-Placet-CSRF": await token_of(site, browser)})
    for risk in ("high", "critical"):
        approval = await asked(site.client("bot"), risk=risk)
        other = {**approval["args"], "amount": 1}
        problem(await said(browser, approval), 403, "not_allowed")
        problem(await said(browser, approval, "edit", args=other), 403, "not_allowed")
        listed = {"approval_id": approval["id"], "type": "approve", "digest": approval["digest"]}
        refused = await browser.post("/v1/decisions", json={"decisions": [listed]})
        assert problem(refused, 422, "invalid_request")["errors"][0]["code"] == "not_allowed"
        assert (await browser.get(f"/v1/approvals/{approval['id']}")).json()["status"] == "pending"
        # To say no is one step everywhere, and a program has nobody to ask.
        assert (await said(browser, approval, "reject")).status_code == 200
        assert (await said(site.client("dana"), await asked(site.client("bot"), risk=risk))).status_code == 200


async def test_the_token_of_another_session_is_none(site: Site) -> None:
    approval = await asked(site.client("bot"))
    browser, other = await signed_in(site), await signed_in(site, "max")
    browser.headers.update({**OURS, "X-Placet-CSRF": await token_of(site, other)})
    problem(await said(browser, approval), 403, "not_allowed")


async def test_the_form_of_the_sign_in_is_bound_to_the_browser_that_loaded_it(site: Site) -> None:
    """Else another site could sign somebody in as somebody else, and read what they do."""
    attacker, victim = site.client(), site.client()
    page = await attacker.get("/sign-in")
    await victim.get("/sign-in")
    fields = {"csrf_token": field(page, "csrf_token"), "user": "max", "password": PASSWORD}
    problem(await victim.post("/sign-in/account", data=fields, headers=OURS), 403, "not_allowed")
    problem(await site.client().post("/sign-in/account", data=fields, headers=OURS), 403, "not_allowed")


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example", ""]
)
async def test_a_sign_in_leads_to_a_page_of_ours_only(site: Site, path: str) -> None:
    assert (await submit(site.client(), onward=path)).headers["location"] == "/"


async def test_who_comes_by_a_link_elsewhere_is_sent_on_by_a_page_of_ours(site: Site) -> None:
    """The browser holds back a strict cookie then; our own page asks for the same again, with it."""
    browser = await signed_in(site)
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    answer = await site.client().get("/sign-in", params={"next": "/approvals/1?a=b&c=d"}, headers=elsewhere)
    assert answer.status_code == 200
    assert 'content="0;url=/approvals/1?a=b&amp;c=d"' in answer.text
    assert (await browser.get("/v1/me", headers={"Sec-Fetch-Site": "same-origin"})).status_code == 200
    assert "password" in (await site.client().get("/sign-in", headers={"Sec-Fetch-Site": "same-origin"})).text


async def test_somebody_taken_out_of_the_configuration_is_out(
    site: Site, make_site: Callable[..., Site], with_accounts: Config
) -> None:
    browser = await signed_in(site, "max")
    assert with_accounts.people is not None
    users = {name: user for name, user in with_accounts.people.users.items() if name != "max"}
    left = make_site(
        config_of(with_accounts.people.model_copy(update={"users": users, "sign_in": SignIn(accounts="/dev/null")}))
    )
    same = left.client(Cookie=f"placet_session={browser.cookies['placet_session']}")
    problem(await same.get("/v1/me"), 401, "unauthenticated")


async def test_who_signs_out_everywhere_is_nowhere_signed_in_any_more(site: Site) -> None:
    here, there, other = await signed_in(site), await signed_in(site), await signed_in(site, "max")
    page = BeautifulSoup((await here.get("/settings")).text, "html.parser")
    form = page.select_one("form[action='/settings/sessions']")
    assert form is not None
    answer = await here.post("/settings/sessions", data=as_sent(form), headers=OURS)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    for browser in (here, there):
        problem(await browser.get("/v1/me"), 401, "unauthenticated")
    assert (await other.get("/v1/me")).status_code == 200
    assert "Sign out everywhere" not in (await site.client("dana").get("/settings")).text, "a key is no session"
