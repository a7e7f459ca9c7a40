"""A command line signs in through a browser: with a token that only it knows, and a code that only its owner sees."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from httpx import AsyncClient, Response

from placet.contracts.sign_in import SignIn
from placet_testing.gateway import Site, asked, config_of, people, problem, said
from placet_testing.web import as_sent, on_a_page, read

OURS = {"Origin": "http://127.0.0.1:7117", "Sec-Fetch-Site": "same-origin"}
PASSWORD = "correct horse battery staple"  # noqa: S105 - of a test
TOKEN = "placet_session_" + "t" * 43
SESSION = hashlib.sha256(TOKEN.encode()).hexdigest()
CODE = f"{SESSION[:4]}-{SESSION[4:8]}".upper()
PAGE = f"/sign-in/command-line?session={SESSION}"


@pytest.fixture
def site(make_site: Callable[..., Site], tmp_path: Path) -> Site:
    path = tmp_path / "accounts.txt"
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    path.write_text(f"dana:{quick.hash(PASSWORD)}\n")
    return make_site(config_of(people().model_copy(update={"sign_in": SignIn(accounts=str(path))})))


async def in_a_browser(site: Site) -> AsyncClient:
    browser = site.client(**OURS)
    form = read_form(await browser.get("/sign-in"))
    await browser.post("/sign-in/account", data=form | {"user": ["dana"], "password": [PASSWORD]})
    return await on_a_page(browser)


def read_form(answer: Response) -> dict[str, list[str]]:
    from bs4 import BeautifulSoup  # noqa: PLC0415

    form = BeautifulSoup(answer.text, "html.parser").find("form")
    assert form is not None
    return as_sent(form)


def command_line(site: Site) -> AsyncClient:
    return site.client(Authorization=f"Bearer {TOKEN}", **{"X-Placet-Client": "cli"})


async def let_in(browser: AsyncClient, code: str = CODE) -> Response:
    form = read(await browser.get(PAGE)).select_one("form[action*=command-line]")
    assert form is not None
    return await browser.post(PAGE, data=as_sent(form, code=code))


async def test_who_types_the_code_lets_their_command_line_act_as_them(site: Site) -> None:
    browser, cli = await in_a_browser(site), command_line(site)
    problem(await cli.get("/v1/me"), 401, "unauthenticated")
    assert "Your command line is signed in" in (await let_in(browser)).text
    me = (await cli.get("/v1/me")).json()
    assert (me["id"], me["method"], me["client"], me["credential"]) == ("user:dana", "session", "cli", SESSION[:12])
    approval = await asked(site.client("bot"))
    assert (await said(cli, approval)).status_code == 200
    decision = (await cli.get(f"/v1/approvals/{approval['id']}")).json()["decision"]
    assert (decision["by"]["via"], decision["proof"]["method"]) == ("cli", "account")
    assert decision["proof"]["credential"] == SESSION[:12]


@pytest.mark.parametrize("code", ["", "0000-0000", SESSION[:7], SESSION, CODE + "0"])
async def test_without_the_code_nobody_comes_in(site: Site, code: str) -> None:
    assert (await let_in(await in_a_browser(site), code)).status_code == 403
    problem(await command_line(site).get("/v1/me"), 401, "unauthenticated")


async def test_another_site_cannot_send_the_form(site: Site) -> None:
    browser = await in_a_browser(site)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"X-Placet-CSRF": "0" * 64}):
        answer = await browser.post(PAGE, data={"code": CODE}, headers=headers)
        assert answer.status_code == 403
    problem(await command_line(site).get("/v1/me"), 401, "unauthenticated")


async def test_an_old_sign_in_has_to_be_proved_again_first(site: Site) -> None:
    browser = await in_a_browser(site)
    site.clock.advance(minutes=11)
    answer = await browser.get(PAGE)
    assert answer.status_code == 303
    assert answer.headers["location"].endswith("&fresh=1")
    assert (await browser.post(PAGE, data={"code": CODE})).status_code == 403


async def test_what_was_signed_out_does_not_come_back_under_its_id(site: Site) -> None:
    browser, cli = await in_a_browser(site), command_line(site)
    await let_in(browser)
    assert (await cli.post("/v1/sessions/revoke", json={"current": True})).json()["ended"] == 1
    problem(await cli.get("/v1/me"), 401, "unauthenticated")
    assert (await browser.get("/v1/me")).status_code == 200, "the browser's session goes on"
    await let_in(browser)
    problem(await cli.get("/v1/me"), 401, "unauthenticated")


async def test_the_id_in_the_address_opens_nothing(site: Site) -> None:
    await let_in(await in_a_browser(site))
    for given in (SESSION, "placet_session_" + SESSION, "placet_session_", TOKEN[:-1], TOKEN + "x"):
        problem(await site.client(Authorization=f"Bearer {given}").get("/v1/me"), 401, "unauthenticated")
    cookie = {"Cookie": f"placet_session={TOKEN}.{'0' * 64}"}
    problem(await site.client(**cookie).get("/v1/me"), 401, "unauthenticated")


async def test_a_key_cannot_lend_itself_to_a_command_line(site: Site) -> None:
    assert (await site.client("dana").get(PAGE)).status_code == 403
    assert (await site.client("dana").post(PAGE, data={"code": CODE})).status_code == 403
