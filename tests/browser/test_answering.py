"""People answer questions, with every control that a question may have."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Page, expect

from placet_testing.browser.fixtures import Opening
from placet_testing.browser.hands import Hands
from placet_testing.browser.stack import Stack
from placet_testing.deployment import Json

ACCOUNT: Final[Json] = {
    "question": "Which account?",
    "options": ["Savings", {"label": "Current", "description": "The one for every day"}, "Neither"],
}
COPIES: Final[Json] = {"question": "Who gets a copy?", "options": ["Ann", "Ben", "Cleo"], "multi_select": True}
WHY: Final[Json] = {"question": "Why?", "allow_text": True}
WHEN: Final[Json] = {"question": "When?", "options": ["Today", "Tomorrow"], "allow_text": True}


def opened(open_page: Opening, approval: Json, hands: Hands) -> Page:
    return open_page(f"/approvals/{approval['id']}", scripts=hands.scripts)


def answers(stack: Stack, approval: Json) -> list[tuple[list[str], str | None]]:
    """Waits until it is answered, and returns what was chosen and written for each question."""
    ended = stack.outcome(approval)
    assert ended["status"] == "answered"
    labels = [{one["id"]: one["label"] for one in question.get("options", ())} for question in ended["questions"]]
    given = [ended["decision"]["answers"][question["id"]] for question in ended["questions"]]
    return [
        ([names[one] for one in answer.get("options", ())], answer.get("text"))
        for names, answer in zip(labels, given, strict=True)
    ]


def test_one_question_takes_one_option(stack: Stack, open_page: Opening, hands: Hands) -> None:
    approval = stack.question(ACCOUNT)
    page = opened(open_page, approval, hands)
    expect(page.get_by_role("radio", checked=True)).to_have_count(0)
    hands.choose(page.get_by_role("radio", name="Current"))
    hands.press(page.get_by_role("button", name="Answer", exact=True))
    expect(page.locator("#outcome")).to_contain_text("Answered by Local (web)")
    expect(page.get_by_role("listitem").filter(has_text="(chosen)")).to_contain_text("Current")
    assert answers(stack, approval) == [(["Current"], None)]


def test_several_questions_of_every_kind_are_answered_at_once(stack: Stack, open_page: Opening, hands: Hands) -> None:
    approval = stack.question(ACCOUNT, COPIES, WHY, WHEN)
    page = opened(open_page, approval, hands)
    hands.choose(page.get_by_role("radio", name="Savings"))
    hands.choose(page.get_by_role("checkbox", name="Ann"))
    hands.choose(page.get_by_role("checkbox", name="Cleo"))
    hands.write(page.get_by_role("textbox", name="Your answer"), 'Since "it" is due\nand <b>late</b>')
    if hands.scripts:
        expect(page.locator("#progress")).to_have_text("3 of 4 answered")
    hands.write(page.get_by_label("In your own words"), "On Monday")
    hands.press(page.get_by_role("button", name="Send the answers"))
    expect(page.locator("#outcome")).to_contain_text("Answered by Local (web)")
    assert answers(stack, approval) == [
        (["Savings"], None),
        (["Ann", "Cleo"], None),
        ([], 'Since "it" is due\nand <b>late</b>'),
        ([], "On Monday"),
    ]


def test_a_question_left_out_is_named_and_what_was_given_stays(stack: Stack, open_page: Opening, hands: Hands) -> None:
    approval = stack.question(ACCOUNT, COPIES, WHY)
    open_page.expects("status of 422")
    page = opened(open_page, approval, hands)
    hands.choose(page.get_by_role("checkbox", name="Ben"))
    hands.write(page.get_by_role("textbox", name="Your answer"), "Typed with care")
    hands.press(page.get_by_role("button", name="Send the answers"))
    expect(page.locator("#problem")).to_be_visible()
    expect(page.get_by_role("group", name="Which account?").locator(".warning")).to_be_visible()
    assert stack.read(approval)["status"] == "pending"
    expect(page.get_by_role("checkbox", name="Ben")).to_be_checked()
    expect(page.get_by_role("textbox", name="Your answer")).to_have_value("Typed with care")
    hands.choose(page.get_by_role("radio", name="Neither"))
    hands.press(page.get_by_role("button", name="Send the answers"))
    expect(page.locator("#outcome")).to_contain_text("Answered")
    assert answers(stack, approval) == [(["Neither"], None), (["Ben"], None), ([], "Typed with care")]


def test_a_question_is_skipped_where_that_is_allowed(stack: Stack, open_page: Opening, hands: Hands) -> None:
    approval = stack.question(ACCOUNT, allow_skip=True)
    page = opened(open_page, approval, hands)
    hands.press(page.get_by_role("button", name="Skip"))
    expect(page.locator("#outcome")).to_contain_text("Skipped by Local (web)")
    assert stack.outcome(approval)["status"] == "skipped"


def test_nobody_skips_what_must_be_answered(stack: Stack, open_page: Opening) -> None:
    page = open_page(f"/approvals/{stack.question(ACCOUNT)['id']}")
    expect(page.get_by_role("button", name="Answer", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Skip")).to_have_count(0)


def test_numbers_choose_options_and_send_nothing(stack: Stack, open_page: Opening) -> None:
    approval = stack.question(ACCOUNT, COPIES)
    page = open_page(f"/approvals/{approval['id']}")
    page.keyboard.press("2")
    expect(page.get_by_role("radio", name="Current")).to_be_checked()
    page.get_by_role("checkbox", name="Ann").focus()
    page.keyboard.press("3")
    expect(page.get_by_role("checkbox", name="Cleo")).to_be_checked()
    assert stack.read(approval)["status"] == "pending"
