"""People change a call before they approve it, in a form or as JSON."""

from __future__ import annotations

from typing import Any, Final

from playwright.sync_api import Page, expect

from placet_testing.browser.fixtures import Opening
from placet_testing.browser.hands import MOUSE, Hands, armed
from placet_testing.browser.stack import Stack

BEYOND_DOUBLES: Final = 2**63 + 1
ORDER: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "count": {"type": "integer", "minimum": 1},
        "note": {"type": ["string", "null"]},
        "express": {"type": "boolean"},
        "size": {"enum": ["small", "large"]},
        "to": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["count", "to"],
    "additionalProperties": False,
}


def reviewed(page: Page, hands: Hands) -> None:
    """Asks for the review and waits for it."""
    hands.press(page.get_by_role("button", name="Review the changes"))
    expect(page.locator("#review")).to_be_visible()


def test_a_call_runs_with_other_arguments_after_a_review(stack: Stack, open_page: Opening, hands: Hands) -> None:
    approval = stack.asked()
    page = open_page(f"/approvals/{approval['id']}", scripts=hands.scripts)
    hands.press(page.get_by_role("link", name="Edit…"))
    hands.write(page.get_by_role("textbox", name="amount"), "12.5")
    reviewed(page, hands)
    change = page.get_by_role("row").filter(has_text="amount")
    expect(change).to_contain_text("250")
    expect(change).to_contain_text("12.5")
    assert stack.read(approval)["status"] == "pending"
    hands.press(page.get_by_role("button", name="Approve with changes"))
    expect(page.locator("#outcome")).to_contain_text("Approved with edits by Local (web)")
    ended = stack.outcome(approval)
    assert ended["decision"]["args"] == {"amount": 12.5, "order": "A-1"}


def test_each_kind_of_field_keeps_its_type(stack: Stack, open_page: Opening, hands: Hands) -> None:
    args = {"count": BEYOND_DOUBLES, "note": None, "express": True, "size": "small", "to": ["ann", "ben"]}
    approval = stack.asked(args=args, args_schema=ORDER)
    page = open_page(f"/approvals/{approval['id']}/edit", scripts=hands.scripts)
    hands.write(page.get_by_role("textbox", name="count"), str(BEYOND_DOUBLES + 2))
    hands.write(page.get_by_label("1", exact=True), "anna")
    hands.press(page.get_by_role("button", name="Add an item to to"))
    expect(page.get_by_label("1", exact=True)).to_have_value("anna")
    hands.write(page.get_by_label("3", exact=True), "carl")
    hands.press(page.get_by_role("button", name="Remove item 2"))
    expect(page.get_by_label("2", exact=True)).to_have_value("carl")
    reviewed(page, hands)
    hands.press(page.get_by_role("button", name="Approve with changes"))
    expect(page.locator("#outcome")).to_contain_text("Approved with edits")
    assert stack.outcome(approval)["decision"]["args"] == args | {"count": BEYOND_DOUBLES + 2, "to": ["anna", "carl"]}


def test_another_choice_brings_its_own_fields(stack: Stack, open_page: Opening, hands: Hands) -> None:
    text = {"type": "string"}
    branches = [
        {"type": "object", "properties": {"kind": {"const": kind}, name: text}, "required": ["kind", name]}
        for kind, name in (("card", "number"), ("transfer", "iban"))
    ]
    schema = {"type": "object", "properties": {"by": {"oneOf": branches}}, "required": ["by"]}
    approval = stack.asked(args={"by": {"kind": "card", "number": "4242"}}, args_schema=schema)
    page = open_page(f"/approvals/{approval['id']}/edit", scripts=hands.scripts)
    if hands.scripts:
        page.get_by_label("kind").focus()
        page.keyboard.press("ArrowDown")
    else:
        page.get_by_label("kind").select_option(label="transfer")
        hands.press(page.get_by_role("button", name="Show the fields of this choice"))
    expect(page.get_by_role("textbox", name="number")).to_have_count(0)
    hands.write(page.get_by_role("textbox", name="iban"), "DE89")
    reviewed(page, hands)
    hands.press(page.get_by_role("button", name="Approve with changes"))
    expect(page.locator("#outcome")).to_contain_text("Approved with edits")
    assert stack.outcome(approval)["decision"]["args"] == {"by": {"kind": "transfer", "iban": "DE89"}}


def test_an_item_that_is_removed_stays_removed_however_long_somebody_has_typed(
    stack: Stack, open_page: Opening
) -> None:
    """The tab keeps a draft of what was typed; it is older than the answer to the button."""
    approval = stack.asked(args={"to": ["ann", "ben"]}, args_schema=ORDER)
    page = open_page(f"/approvals/{approval['id']}/edit")
    MOUSE.write(page.get_by_label("1", exact=True), "anna")
    stack.wait(lambda: "anna" in page.evaluate("Object.values(sessionStorage).join()"))
    MOUSE.press(page.get_by_role("button", name="Remove item 2"))
    expect(page.get_by_label("2", exact=True)).to_have_count(0)
    armed(page)
    page.wait_for_load_state("networkidle")
    expect(page.get_by_label("2", exact=True)).to_have_count(0)
    page.goto(f"/approvals/{approval['id']}")
    page.goto(f"/approvals/{approval['id']}/edit")
    expect(page.get_by_label("1", exact=True)).to_have_value("anna")
    expect(page.get_by_label("2", exact=True)).to_have_count(0)


def test_a_wrong_value_is_told_at_its_field_and_stays_there(stack: Stack, open_page: Opening, hands: Hands) -> None:
    approval = stack.asked()
    open_page.expects("status of 422")
    page = open_page(f"/approvals/{approval['id']}/edit", scripts=hands.scripts)
    hands.write(page.get_by_role("textbox", name="amount"), "a lot")
    hands.press(page.get_by_role("button", name="Review the changes"))
    expect(page.get_by_role("alert").filter(has_text="another look")).to_be_visible()
    expect(page.get_by_role("textbox", name="amount")).to_have_value("a lot")
    expect(page.get_by_role("textbox", name="amount")).to_have_attribute("aria-invalid", "true")
    hands.press(page.get_by_role("link", name="/amount"))
    assert page.url.endswith("#f-amount")
    hands.write(page.get_by_role("textbox", name="amount"), "7")
    reviewed(page, hands)
    assert stack.read(approval)["status"] == "pending"


def test_json_is_edited_as_json(stack: Stack, open_page: Opening, hands: Hands) -> None:
    approval = stack.asked(args={"amount": 250, "order": "A-1"})
    open_page.expects("status of 422")
    page = open_page(f"/approvals/{approval['id']}/edit", scripts=hands.scripts)
    hands.press(page.get_by_role("link", name="As JSON"))
    hands.write(page.get_by_label("Arguments"), '{"amount": 1, "amount": 2}')
    hands.press(page.get_by_role("button", name="Review the changes"))
    expect(page.get_by_role("alert").filter(has_text="no JSON object")).to_be_visible()
    hands.write(page.get_by_label("Arguments"), '{"order": "A\\u0000-2", "amount": 3}')
    reviewed(page, hands)
    expect(page.locator(".exactly")).to_contain_text("A\\x00-2")
    hands.press(page.get_by_role("button", name="Approve with changes"))
    expect(page.locator("#outcome")).to_contain_text("Approved with edits")
    assert stack.outcome(approval)["decision"]["args"] == {"amount": 3, "order": "A\x00-2"}


def test_an_edit_of_a_critical_call_takes_the_name_of_the_tool(stack: Stack, open_page: Opening, hands: Hands) -> None:
    approval = stack.asked(risk="critical")
    page = open_page(f"/approvals/{approval['id']}/edit", scripts=hands.scripts)
    hands.write(page.get_by_role("textbox", name="amount"), "9")
    reviewed(page, hands)
    hands.write(page.get_by_label("to confirm"), "refnd")
    hands.press(page.get_by_role("button", name="Approve with changes"))
    expect(page.get_by_text("You typed “refnd”")).to_be_visible()
    assert stack.read(approval)["status"] == "pending"
    hands.write(page.get_by_label("to confirm"), "refund")
    hands.press(page.get_by_role("button", name="Approve with changes"))
    expect(page.locator("#outcome")).to_contain_text("Approved with edits")
    assert stack.outcome(approval)["decision"]["args"]["amount"] == 9


def test_enter_in_a_field_reviews_and_sends_nothing(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked()
    page = open_page(f"/approvals/{approval['id']}/edit")
    page.get_by_role("textbox", name="amount").fill("3")
    page.get_by_role("textbox", name="amount").press("Enter")
    expect(page.locator("#review")).to_be_visible()
    assert stack.read(approval)["status"] == "pending"
