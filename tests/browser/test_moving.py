"""People go from one request to the next, and back to the list, without a mouse."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from placet_testing.browser.fixtures import Opening
from placet_testing.browser.hands import armed
from placet_testing.browser.stack import Stack, headline_of
from placet_testing.deployment import Json


def at(page: Page, approval: Json) -> None:
    """Waits until the page of an approval is open and hears keys."""
    expect(page).to_have_url(re.compile(f"/approvals/{approval['id']}$"))
    armed(page)


@pytest.mark.repeated
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


@pytest.mark.repeated
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


def test_keys_go_through_the_list_pick_from_it_and_open_what_they_are_at(stack: Stack, open_page: Opening) -> None:
    word = uuid4().hex
    first, second, _ = (stack.asked(title=f"{word} {number}", args={"amount": number}) for number in range(3))
    page = open_page(f"/inbox?q={word}&sort=requested_at")
    armed(page)
    page.keyboard.press("j")
    expect(page.get_by_role("link", name=headline_of(first))).to_be_focused()
    page.keyboard.press("x")
    page.keyboard.press("Shift+J")
    expect(page.locator("#picked")).to_have_text("2 of refund selected")
    expect(page.get_by_role("link", name=headline_of(second))).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator("#picked")).to_have_text("1 of refund selected")
    page.keyboard.press("k")
    page.keyboard.press("o")
    at(page, first)
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("/inbox"))
    armed(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    at(page, second)


@pytest.mark.repeated
def test_letters_lead_to_what_the_list_of_keys_says(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked()
    page = open_page(f"/approvals/{approval['id']}")
    armed(page)
    for key, fold in (("v", ".raw"), ("h", ".history")):
        page.keyboard.press(key)
        expect(page.locator(f"details{fold}[open]")).to_be_visible()
        page.keyboard.press(key)
        expect(page.locator(f"details{fold}[open]")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("e")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    at(page, approval)
    page.keyboard.press("e")
    expect(page).to_have_url(re.compile("/edit$"))
    for keys, path in (("gi", r"/inbox"), ("gd", r"/inbox\?tab=ended"), ("gr", r"/runs"), ("gi", r"/inbox")):
        armed(page)
        page.keyboard.type(keys)
        expect(page).to_have_url(re.compile(f"{path}$"))
    armed(page)
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    assert stack.read(approval)["status"] == "pending"
