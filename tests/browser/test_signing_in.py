"""Who sits there: signing in at a certified provider on another site, at the gateway's own form, and signing out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from placet_testing.browser.fixtures import Opening
from placet_testing.browser.hands import MOUSE, Hands
from placet_testing.browser.signing_in import ABROAD, Abroad, abroad, type_password
from placet_testing.browser.stack import SIGNED, Stack, headline_of
from placet_testing.deployment import Json

ELEVEN_MINUTES = timedelta(minutes=11)


@pytest.fixture(scope="module")
def provider(browser_stack: Stack) -> Iterator[Abroad]:
    """An identity provider, and the gateway that knows people by it."""
    browser_stack.start()
    with abroad(browser_stack) as made:
        yield made


@pytest.fixture
def opening(open_page: Opening, provider: Abroad) -> Opening:
    """Opens pages of the gateway whose people the provider knows; what goes there has not gone astray.

    The pages of the provider ask for a font that no browser gets here.
    """
    open_page.expects(re.escape(provider.panva.url), "fonts.googleapis.com")
    return open_page


def asked(stack: Stack, **body: Any) -> Json:
    return stack.asked("bot", ABROAD, **{"expires_after": "never", **body})


def at(page: Page, approval: Json) -> None:
    expect(page).to_have_url(re.compile(f"/approvals/{approval['id']}$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(headline_of(approval))


def test_a_link_leads_through_the_provider_to_a_critical_decision_and_out_again(
    provider: Abroad, opening: Opening
) -> None:
    """A password lately, the tool's name typed, and after signing out nobody comes in without a password."""
    approval = asked(provider.stack, risk="critical")
    page = opening(f"/approvals/{approval['id']}", gateway=ABROAD)
    provider.sign_in(page, "dana")
    at(page, approval)

    provider.later(ELEVEN_MINUTES)
    page.reload()
    expect(page.get_by_role("button", name="Approve…")).to_have_count(0)
    MOUSE.press(page.get_by_role("link", name="Sign in again to approve"))
    provider.sign_in(page, "dana")
    at(page, approval)
    MOUSE.press(page.get_by_role("button", name="Approve…"))
    dialog = page.get_by_role("dialog", name="Confirm")
    confirm = dialog.get_by_role("button", name="Run refund")
    dialog.get_by_label("to confirm").fill("refunds")
    MOUSE.press(confirm)
    expect(page.get_by_role("alert").filter(has_text="You typed")).to_be_visible()
    assert provider.stack.read(approval)["status"] == "pending"
    page.get_by_label("to confirm").fill("refund")
    MOUSE.press(page.get_by_role("button", name="Run refund"))
    expect(page.locator("#outcome")).to_contain_text("Approved by Dana Ito (web)")
    proof = provider.stack.read(approval)["decision"]["proof"]
    assert proof["method"] == "oidc"
    assert proof["card_digest"].startswith("sha256:")

    MOUSE.press(page.get_by_role("button", name="Sign out"))
    page.get_by_role("button", name="Yes, sign me out").click()
    expect(page.get_by_role("link", name="Sign in with your organisation")).to_be_visible()
    page.goto(f"/approvals/{approval['id']}")
    expect(page.locator("input[name=password]")).to_be_visible()
    assert page.url.startswith(provider.panva.url)


def test_a_page_whose_session_has_ended_says_so_and_disturbs_no_new_sign_in(provider: Abroad, opening: Opening) -> None:
    """Pages ask for what is new all the time; were they led to the provider, the sign-in next door would fail."""
    page = opening("/inbox", gateway=ABROAD)
    provider.sign_in(page, "dana")
    expect(page.get_by_role("heading", name="Inbox")).to_be_visible()
    answer = provider.stack.client("root", ABROAD).post("/v1/sessions/revoke", json={"user": "dana"})
    assert answer.json()["ended"] >= 1
    opening.expects("status of 401")
    page.evaluate("dispatchEvent(new Event('online'))")
    again = page.get_by_role("link", name="Sign in in a new tab")
    expect(again).to_be_visible()
    with page.context.expect_page() as opened:
        again.click()
    tab = opened.value
    expect(tab.locator("input[name=login], button:has-text('Continue')").or_(tab.locator("h1"))).not_to_have_count(0)
    with page.expect_response(lambda answer: answer.url.endswith("/inbox")):
        page.evaluate("dispatchEvent(new Event('online'))")
    if tab.url.startswith(provider.panva.url):
        provider.sign_in(tab, "dana")
    expect(tab.get_by_role("heading", name="Inbox")).to_be_visible()


def test_a_password_opens_the_inbox_in_every_way_and_signing_out_closes_it(
    stack: Stack, open_page: Opening, hands: Hands
) -> None:
    open_page.expects("status of 401")
    approval = stack.asked("bot", SIGNED)
    page = open_page(f"/approvals/{approval['id']}", gateway=SIGNED, scripts=hands.scripts)
    type_password(page, "dana", "not that", hands=hands)
    expect(page.locator("#problem")).to_have_text("The name or the password is wrong.")
    type_password(page, "dana", hands=hands)
    at(page, approval)
    expect(page.get_by_text("Dana Ito").first).to_be_visible()
    hands.press(page.get_by_role("button", name="Approve"))
    expect(page.locator("#outcome")).to_contain_text("Approved by Dana Ito (web)")
    assert stack.read(approval)["decision"]["proof"]["method"] == "account"
    hands.press(page.get_by_role("button", name="Sign out"))
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.go_back()
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.usefixtures("stack")
def test_nobody_is_signed_in_by_a_form_of_another_browser(open_page: Opening) -> None:
    """Else a stranger could have somebody decide under the stranger's name, or under one that they watch."""
    open_page.expects("status of 403")
    mine, theirs = (open_page("/sign-in?next=/inbox", gateway=SIGNED) for _ in range(2))
    token = theirs.locator("input[name=csrf_token]").last.input_value()
    mine.evaluate("(token) => document.querySelector('main input[name=csrf_token]').value = token", token)
    type_password(mine, "max")
    expect(mine.locator("#problem")).to_contain_text("load the page again")
    mine.goto("/inbox")
    expect(mine.get_by_role("heading", name="Sign in")).to_be_visible()
