"""People decide on several approvals by one form: rows that they picked, and the calls of a turn."""

from __future__ import annotations

import json
from uuid import uuid4

from playwright.sync_api import Page, expect

from placet_testing.browser.fixtures import Opening
from placet_testing.browser.hands import Hands
from placet_testing.browser.stack import SIGNED, Stack, headline_of
from placet_testing.deployment import Json


def three(stack: Stack) -> list[Json]:
    """Asks for three refunds that one search finds."""
    name = uuid4().hex
    return [stack.asked(title=f"Refund {name} {number}", args={"amount": number}) for number in (1, 2, 3)]


def listed(open_page: Opening, approvals: list[Json], hands: Hands) -> Page:
    """Opens the list of these approvals only."""
    name = approvals[0]["title"].split(" ")[1]
    return open_page(f"/inbox?q={name}&sort=requested_at", scripts=hands.scripts)


def pick(page: Page, approval: Json, hands: Hands) -> None:
    hands.choose(page.get_by_role("checkbox", name=f"Select: {headline_of(approval)}"))


def test_picked_rows_are_approved_after_a_look_at_them(stack: Stack, open_page: Opening, hands: Hands) -> None:
    first, second, third = three(stack)
    page = listed(open_page, [first], hands)
    pick(page, first, hands)
    pick(page, third, hands)
    hands.press(page.get_by_role("button", name="Approve selected…"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Approve 2 of refund?")
    assert [stack.read(one)["status"] for one in (first, second, third)] == ["pending"] * 3
    hands.press(page.get_by_role("button", name="Approve 2"))
    expect(page.get_by_role("heading", level=1)).to_have_text("2 of 2 count")
    assert [stack.outcome(one)["status"] for one in (first, third)] == ["approved"] * 2
    assert stack.read(second)["status"] == "pending"


def test_each_of_several_has_a_result_of_its_own(stack: Stack, open_page: Opening, hands: Hands) -> None:
    first, second, third = three(stack)
    page = listed(open_page, [first], hands)
    for one in (first, second, third):
        pick(page, one, hands)
    hands.press(page.get_by_role("button", name="Reject selected…"))
    hands.write(page.get_by_label("Tell the agents why"), "Too many at once")
    stack.decided(second)
    assert stack.outcome(second)["status"] == "approved"
    hands.press(page.get_by_role("button", name="Reject 3"))
    expect(page.get_by_role("heading", level=1)).to_have_text("2 of 3 count")
    lost = page.get_by_role("row").filter(has_text=headline_of(second))
    expect(lost).to_contain_text("Not applied.")
    expect(lost).to_contain_text("pproved by Local (api)")
    assert [stack.outcome(one)["decision"]["message"] for one in (first, third)] == ["Too many at once"] * 2


def test_the_calls_of_a_turn_are_decided_each_for_itself(stack: Stack, open_page: Opening, hands: Hands) -> None:
    texts = [uuid4().hex for _ in range(3)]
    turns = json.dumps([[{"tool": "send", "args": {"text": text}} for text in texts]])
    # Where people sign in: the worker knows nobody of local mode, and would ask again before anything runs.
    run = stack.client("bot", SIGNED).post("/v1/runs", json={"agent": "desk", "input": turns}).json()
    first, second, third = stack.pending(run, 3)
    page = open_page(f"/approvals/{first['id']}", "dana", scripts=hands.scripts)
    hands.press(page.get_by_role("link", name="2 more of this turn wait"))
    expect(page.get_by_role("heading", level=1)).to_have_text("3 calls of turn 1")
    choices = [page.locator(f'section[data-id="{one["id"]}"]') for one in (first, second, third)]
    hands.choose(choices[0].get_by_role("radio", name="Approve"))
    hands.choose(choices[1].get_by_role("radio", name="Reject"))
    hands.write(choices[1].get_by_label("Why, if you reject it"), "Not to them")
    expect(page.get_by_text("0 of 3 answered")).to_be_visible()
    hands.press(page.get_by_role("button", name="Send the chosen decisions"))
    expect(page.get_by_role("heading", level=1)).to_have_text("2 of 2 count")
    ended = [stack.outcome(one) for one in (first, second)]
    assert [one["status"] for one in ended] == ["approved", "rejected"]
    assert ended[1]["decision"]["message"] == "Not to them"
    assert stack.read(third)["status"] == "pending"
    stack.wait(lambda: len(stack.effects(texts[0])) == 1)
    assert not stack.effects(texts[1])
    stack.decided(third, "reject")
    stack.finished(run)


def test_what_needs_a_look_of_its_own_cannot_be_picked(stack: Stack, open_page: Opening) -> None:
    name = uuid4().hex
    asked = [
        stack.asked(title=f"{name} easy"),
        stack.asked(title=f"{name} grave", risk="high"),
        stack.asked(title=f"{name} long", args={"amount": 1, "order": "x" * 3_000}),
        stack.question({"question": "Which?", "allow_text": True}, title=f"{name} question"),
    ]
    page = open_page(f"/inbox?q={name}")
    expect(page.locator("tr[data-id]")).to_have_count(len(asked))
    expect(page.get_by_role("checkbox", name="Select:")).to_have_count(1)


def test_only_calls_of_one_tool_are_picked_together(stack: Stack, open_page: Opening) -> None:
    name = uuid4().hex
    refund = stack.asked(title=f"{name} refund")
    other = stack.asked(title=f"{name} other", tool="repay")
    page = open_page(f"/inbox?q={name}")
    page.get_by_role("checkbox", name=f"Select: {headline_of(refund)}").check()
    expect(page.get_by_role("checkbox", name=f"Select: {headline_of(other)}")).to_be_disabled()
    expect(page.locator("#picked")).to_have_text("1 of refund selected")
