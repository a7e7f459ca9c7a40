"""While somebody looks others decide, time passes, runs end: who loses reads how, and what was typed stays."""

from __future__ import annotations

import re
from typing import Final
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from placet_testing.browser.fixtures import Opening
from placet_testing.browser.hands import armed
from placet_testing.browser.stack import SIGNED, Stack, headline_of
from placet_testing.deployment import Json

WON: Final = re.compile(r"[Aa]pproved by Dana Ito \(web\), 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC")
"""Who won, how, and when."""


def opened(open_page: Opening, approval: Json, user: str = "", *, scripts: bool = True) -> Page:
    page = open_page(f"/approvals/{approval['id']}", user, scripts=scripts)
    expect(page.get_by_role("heading", level=1)).to_have_text(headline_of(approval))
    return page


def approve(page: Page) -> None:
    armed(page)
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.locator("#outcome")).to_be_visible()


def write_reason(page: Page, text: str, *, scripts: bool = True) -> None:
    armed(page, scripts=scripts)
    page.get_by_text("Reject…", exact=True).click()
    page.get_by_label("Tell the agent why").fill(text)


def test_who_looks_on_reads_at_once_who_won_how_and_when(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked("bot", SIGNED)
    eve, dana = opened(open_page, approval, "eve"), opened(open_page, approval, "dana")
    write_reason(eve, "half a reas")
    approve(dana)
    expect(eve.locator("#outcome")).to_have_text(WON)
    expect(eve.get_by_role("button", name="Reject", exact=True)).to_have_count(0)
    expect(eve.locator("#outcome")).to_be_focused()
    eve.get_by_text("What you had typed").click()
    expect(eve.get_by_text("half a reas")).to_be_visible()


def test_who_loses_a_race_reads_who_won_how_and_when(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked("bot", SIGNED)
    open_page.expects("status of 409")
    # Without scripts the page cannot hear of the other's decision before its own is sent.
    eve = opened(open_page, approval, "eve", scripts=False)
    dana = opened(open_page, approval, "dana")
    write_reason(eve, "half a reason", scripts=False)
    approve(dana)
    eve.get_by_role("button", name="Reject", exact=True).click()
    problem = eve.locator("#problem")
    expect(problem).to_contain_text(WON)
    expect(problem).to_contain_text("Your decision was not recorded.")
    expect(problem).to_contain_text("half a reason")
    ended = stack.read(approval)
    assert (ended["status"], ended["decision"]["by"]["id"]) == ("approved", "user:dana")


def test_two_who_press_at_once_both_read_the_one_end(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked("bot", SIGNED)
    open_page.expects("status of 409")
    pages = [opened(open_page, approval, user) for user in ("dana", "eve")]
    for page in pages:
        armed(page)
    # Both buttons are pressed before either page is waited for.
    for page in pages:
        page.get_by_role("button", name="Approve", exact=True).evaluate("(button) => setTimeout(() => button.click())")
    for page in pages:
        expect(page.locator("#outcome")).to_contain_text("Approved by")
    winner = stack.ended(approval)["decision"]["by"]["name"]
    for page in pages:
        expect(page.locator("#outcome")).to_contain_text(winner)
    assert stack.told(approval["id"]).count("approval.decided") == 1


def test_a_row_that_another_decided_stays_for_a_moment_and_says_so(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked("bot", SIGNED)
    page = open_page(f"/inbox?q={approval['title'].rpartition(' ')[2]}", "eve")
    row = page.locator(f"#row-{approval['id']}")
    expect(row).to_be_visible()
    approve(opened(open_page, approval, "dana"))
    expect(row.locator(".expires")).to_have_text(WON)
    expect(page.locator("#polite")).to_contain_text("pproved by Dana Ito")
    expect(row.get_by_role("checkbox")).to_have_count(0)


def test_what_has_the_focus_keeps_it_when_the_page_is_read_again(stack: Stack, open_page: Opening) -> None:
    page = open_page(f"/approvals/{stack.asked()['id']}")
    armed(page)
    for one in (page.get_by_role("button", name="Approve", exact=True), page.get_by_text("Reject…", exact=True)):
        one.focus()
        page.evaluate("() => { document.getElementById('card').dataset.old = ''; dispatchEvent(new Event('online')); }")
        expect(page.locator("#card[data-old]")).to_have_count(0)
        expect(one).to_be_focused()


def test_new_requests_wait_behind_a_button(stack: Stack, open_page: Opening) -> None:
    """But for those between the reading of the page and the begin of its stream, which another tab has begun here."""
    context = open_page.context()
    other, before = context.new_page(), stack.asked()
    other.goto(f"/approvals/{before['id']}")
    stack.decided(before, "reject")
    expect(other.locator("#outcome")).to_be_visible()
    name = uuid4().hex
    first = stack.asked(title=f"{name} first")
    page = context.new_page()
    page.goto(f"/inbox?q={name}")
    expect(page.locator("tr[data-id]")).to_have_count(1)
    waiting = int(page.locator("[data-count]").inner_text())
    assert page.title().startswith(f"({waiting}) ")
    second = stack.asked(title=f"{name} second")
    new = page.locator("#new button")
    expect(new).to_contain_text("new request")
    expect(page).to_have_title(re.compile(rf"^\({waiting + 1}\) "))
    expect(page.locator("#icon")).to_have_attribute("href", re.compile("icon-waiting"))
    expect(page.locator("tr[data-id]")).to_have_count(1)
    page.keyboard.press(".")
    expect(page.locator("tr[data-id]")).to_have_count(2)
    expect(new).to_be_hidden()
    for one in (first, second):
        stack.decided(one, "reject")


def test_a_deadline_passes_with_a_dialog_open_and_nothing_can_be_confirmed(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked(risk="critical", expires_after="12s")
    open_page.expects("status of 409")
    page = opened(open_page, approval)
    armed(page)
    page.get_by_role("button", name="Approve…").click()
    dialog = page.get_by_role("dialog", name="Confirm")
    dialog.get_by_label("to confirm").fill("refund")
    assert stack.outcome(approval)["status"] == "expired"
    run = dialog.get_by_role("button", name="Run refund")
    expect(page.get_by_text("nobody decided in time").first).to_be_attached()
    if run.is_visible() and run.is_enabled():
        run.click()
        expect(page.locator("#problem")).to_contain_text("Your decision was not recorded.")
    ended = stack.ended(approval)
    assert (ended["status"], ended["decision"]) == ("expired", None)


def test_a_deadline_passes_over_a_reason_half_written_and_the_reason_stays(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked(expires_after="12s")
    page = opened(open_page, approval)
    write_reason(page, "I was about to sa")
    expect(page.locator("#outcome")).to_contain_text("nobody decided in time")
    page.get_by_text("What you had typed").click()
    expect(page.get_by_text("I was about to sa")).to_be_visible()
    expect(page.locator("#decide")).to_have_count(0)
    assert stack.ended(approval)["status"] == "expired"


@pytest.mark.parametrize("raw", ["", "?raw=1"], ids=["form", "json"])
def test_a_deadline_passes_over_an_edit_and_what_was_typed_can_be_read(
    stack: Stack, open_page: Opening, raw: str
) -> None:
    approval = stack.asked(expires_after="12s", args={"amount": 250, "order": "A-1"})
    open_page.expects("status of 409")
    page = open_page(f"/approvals/{approval['id']}/edit{raw}")
    if raw:
        page.get_by_label("Arguments").fill('{"amount": 1, "order": "a long new order"}')
    else:
        page.get_by_role("textbox", name="order").fill("a long new order")
    assert stack.outcome(approval)["status"] == "expired"
    armed(page)
    page.get_by_role("button", name="Review the changes").click()
    expect(page.get_by_text("Your decision was not recorded.")).to_be_visible()
    expect(page.get_by_text("nobody decided in time").first).to_be_visible()
    expect(page.get_by_text("a long new order")).to_be_visible()


def test_answers_half_given_stay_when_somebody_else_answers(stack: Stack, open_page: Opening) -> None:
    approval = stack.question(
        {"question": "Which?", "options": ["one", "two"]}, {"question": "Why?", "allow_text": True}
    )
    page = opened(open_page, approval)
    page.get_by_role("radio", name="two").check()
    page.get_by_role("textbox", name="Your answer").fill("because of th")
    ids = [question["id"] for question in approval["questions"]]
    answers = {ids[0]: {"options": [approval["questions"][0]["options"][0]["id"]]}, ids[1]: {"text": "so"}}
    assert stack.decide(approval, "answer", user="", answers=answers).status_code == 200
    expect(page.locator("#outcome")).to_contain_text("Answered by Local (api)")
    page.get_by_text("What you had typed").click()
    expect(page.get_by_text("because of th")).to_be_visible()


def test_a_run_that_is_cancelled_takes_its_question_from_the_page(stack: Stack, open_page: Opening) -> None:
    run = stack.run([{"tool": "send", "args": {"text": uuid4().hex}}], user="")
    (approval,) = stack.pending(run)
    page = open_page(f"/approvals/{approval['id']}")
    armed(page)
    write_reason(page, "not yet sen")
    answer = stack.client().post(f"/v1/runs/{run['id']}/cancel", json={"reason": "wrong order"})
    assert answer.status_code == 202
    expect(page.locator("#outcome")).to_contain_text("Cancelled")
    expect(page.locator("#decide")).to_have_count(0)
    expect(page.get_by_text("What you had typed")).to_be_visible()


def test_what_was_typed_survives_a_reload_and_is_dropped_with_the_end(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked()
    page = opened(open_page, approval)
    write_reason(page, "typed once")
    page.reload()
    expect(page.get_by_label("Tell the agent why")).to_have_value("typed once")
    armed(page)
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.locator("#outcome")).to_contain_text("Rejected")
    expect(page.locator("body")).to_be_visible()
    page.wait_for_function("Object.keys(sessionStorage).length === 0")
    assert stack.outcome(approval)["decision"]["message"] == "typed once"
