"""People go from one request to the next, and back to the list, without a mouse."""

from __future__ import annotations

import re
from uuid import uuid4

from playwright.sync_api import Page, expect

from placet_testing.browser.fixtures import Opening
from placet_testing.browser.hands import armed
from placet_testing.browser.stack import Stack, headline_of
from placet_testing.deployment import Json


def at(page: Page, approval: Json) -> None:
    """Waits until the page of an approval is open and hears keys."""
    expect(page).to_have_url(re.compile(f"/approvals/{approval['id']}$"))
    armed(page)


def test_brackets_go_through_what_waits_in_its_order_and_back(stack: Stack, open_page: Opening) -> None:
    # The most urgent of all, the oldest first: nothing that another test has left comes between them.
    asked = [stack.asked(risk="critical", expires_after="10m", args={"amount": number}) for number in range(3)]
    page = open_page(f"/approvals/{asked[0]['id']}")
    at(page, asked[0])
    for key, there in (("]", asked[1]), ("]", asked[2]), ("[", asked[1]), ("[", asked[0])):
        page.keyboard.press(key)
        at(page, there)
    for one in asked:
        stack.decided(one, "reject")


def test_who_has_decided_is_at_what_waits_next(stack: Stack, open_page: Opening) -> None:
    approval, _ = stack.asked(), stack.asked()
    page = open_page(f"/approvals/{approval['id']}")
    armed(page)
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(page.locator("#polite")).to_contain_text("Approved by Local (web)")
    expect(page.locator(".headline .next-up a")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#outcome")).to_have_count(0)
    expect(page).not_to_have_url(re.compile(approval["id"]))


def test_escape_leaves_a_request_for_the_list_as_it_was_unless_something_is_typed(
    stack: Stack, open_page: Opening
) -> None:
    word = uuid4().hex
    approval = stack.asked(title=f"{word} refund")
    page = open_page(f"/inbox?q={word}")
    page.get_by_role("link", name=headline_of(approval)).click()
    at(page, approval)
    page.keyboard.press("r")
    page.keyboard.insert_text("half a reason")
    for _ in range(2):
        page.keyboard.press("Escape")
    expect(page.get_by_label("Tell the agent why")).to_be_hidden()
    at(page, approval)
    page.get_by_text("Reject…", exact=True).click()
    page.get_by_label("Tell the agent why").fill("")
    for _ in range(2):
        page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(rf"/inbox\?q={word}$"))
    assert stack.read(approval)["status"] == "pending"
