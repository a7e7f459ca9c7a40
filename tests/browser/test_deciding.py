"""People decide on a call: with a mouse, with the keyboard alone, and without scripts."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from placet_testing.browser.fixtures import Opening
from placet_testing.browser.hands import Hands
from placet_testing.browser.stack import Stack, headline_of
from placet_testing.deployment import Json


def path_of(approval: Json) -> str:
    return f"/approvals/{approval['id']}"


def says(page: Page, outcome: str) -> None:
    """Waits until the page says how the approval ended."""
    expect(page.locator("#outcome")).to_contain_text(outcome)


def test_a_call_is_found_in_the_list_and_approved(stack: Stack, open_page: Opening, hands: Hands) -> None:
    approval = stack.asked()
    page = open_page("/inbox?sort=-requested_at", scripts=hands.scripts)
    hands.press(page.locator(f"#row-{approval['id']}").get_by_role("link", name=headline_of(approval)))
    expect(page.get_by_role("heading", level=1)).to_have_text(headline_of(approval))
    hands.press(page.get_by_role("button", name="Approve", exact=True))
    says(page, "Approved by Local (web)")
    assert stack.outcome(approval)["status"] == "approved"
    assert stack.read(approval)["decision"]["by"]["via"] == "web"


def test_a_call_is_rejected_with_a_reason(stack: Stack, open_page: Opening, hands: Hands) -> None:
    approval = stack.asked()
    page = open_page(path_of(approval), scripts=hands.scripts)
    hands.press(page.get_by_text("Reject…", exact=True))
    hands.write(page.get_by_label("Tell the agent why"), "Not this order,\nask for A-2")
    hands.press(page.get_by_role("button", name="Reject", exact=True))
    says(page, "Rejected by Local (web)")
    assert stack.outcome(approval)["decision"]["message"] == "Not this order,\nask for A-2"


def test_somebody_responds_in_place_of_the_tool(stack: Stack, open_page: Opening, hands: Hands) -> None:
    approval = stack.asked()
    page = open_page(path_of(approval), scripts=hands.scripts)
    hands.press(page.get_by_text("Respond…", exact=True))
    hands.write(page.get_by_label("The tool will not run"), "Already refunded by hand")
    hands.press(page.get_by_role("button", name="Send as the result"))
    says(page, "Responded")
    assert stack.outcome(approval)["decision"]["message"] == "Already refunded by hand"


def test_a_high_risk_is_confirmed_after_a_second_look(stack: Stack, open_page: Opening, hands: Hands) -> None:
    approval = stack.asked(risk="high")
    page = open_page(path_of(approval), scripts=hands.scripts)
    hands.press(page.get_by_role("button", name="Approve…"))
    expect(page.get_by_text(approval["digest"]).last).to_be_visible()
    assert stack.read(approval)["status"] == "pending"
    hands.press(page.get_by_role("button", name="Run refund"))
    says(page, "Approved by Local (web)")
    assert stack.outcome(approval)["status"] == "approved"


def test_one_can_go_back_from_the_second_look(stack: Stack, open_page: Opening, hands: Hands) -> None:
    approval = stack.asked(risk="high")
    page = open_page(path_of(approval), scripts=hands.scripts)
    hands.press(page.get_by_role("button", name="Approve…"))
    hands.press(page.get_by_text("Go back"))
    expect(page.get_by_role("button", name="Approve…")).to_be_visible()
    assert stack.read(approval)["status"] == "pending"


def test_a_critical_risk_takes_the_name_of_the_tool(stack: Stack, open_page: Opening, hands: Hands) -> None:
    approval = stack.asked(risk="critical")
    page = open_page(path_of(approval), scripts=hands.scripts)
    hands.press(page.get_by_role("button", name="Approve…"))
    hands.write(page.get_by_label("to confirm"), "refnd")
    hands.press(page.get_by_role("button", name="Run refund"))
    expect(page.get_by_text("You typed “refnd”")).to_be_visible()
    assert stack.read(approval)["status"] == "pending"
    hands.write(page.get_by_label("to confirm"), "refund")
    hands.press(page.get_by_role("button", name="Run refund"))
    says(page, "Approved by Local (web)")
    assert stack.outcome(approval)["status"] == "approved"
