"""Nothing decides by accident: not a key that came early, not Enter on a fresh page, not a press that nobody meant."""

from __future__ import annotations

from typing import Final

import pytest
from playwright.sync_api import Page, Route, expect

from placet_testing.browser.fixtures import Opening
from placet_testing.browser.hands import armed
from placet_testing.browser.stack import Stack, headline_of
from placet_testing.deployment import Json

EARLY: Final = """
addEventListener('DOMContentLoaded', () => {
  const button = document.querySelector('form[data-decide="approve"] button');
  button?.click();
  button?.focus();
  button?.form?.requestSubmit();
});
"""
"""Presses Approve as early as anybody could."""
HIDDEN: Final = """
let hidden = false;
Object.defineProperty(Document.prototype, 'visibilityState', { get: () => (hidden ? 'hidden' : 'visible') });
addEventListener('placet:hide', () => { hidden = true; document.dispatchEvent(new Event('visibilitychange')); });
addEventListener('placet:show', () => { hidden = false; document.dispatchEvent(new Event('visibilitychange')); });
"""
"""Lets a test put a tab behind another one: a browser without windows has none before or behind."""
CHANGED: Final = """
new MutationObserver((_, watch) => {
  const button = document.querySelector('form[data-decide="approve"] button');
  if (!button) return;
  watch.disconnect();
  button.click();
}).observe(document.body, { childList: true, subtree: true });
document.querySelector('form[data-decide="approve"]').remove();
dispatchEvent(new Event('online'));
"""
"""Takes Approve away, has the page read again, and presses it in the moment in which it is there once more."""
BACK: Final = "document.dispatchEvent(new Event('visibilitychange'))"


def opened(open_page: Opening, approval: Json) -> Page:
    page = open_page(f"/approvals/{approval['id']}")
    expect(page.get_by_role("heading", level=1)).to_have_text(headline_of(approval))
    return page


def still_waits(stack: Stack, page: Page, approval: Json) -> None:
    """Checks that nothing was sent, and that the page still works: what comes next is a decision."""
    assert stack.read(approval)["status"] == "pending"
    armed(page)
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.locator("#outcome")).to_contain_text("Approved by Local (web)")


def test_a_button_is_dead_in_the_moment_in_which_it_appears(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked()
    context = open_page.context()
    context.add_init_script(EARLY)
    page = context.new_page()
    page.goto(f"/approvals/{approval['id']}")
    still_waits(stack, page, approval)


def test_a_button_that_comes_while_somebody_looks_is_dead_in_that_moment_too(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked()
    page = opened(open_page, approval)
    armed(page)
    page.evaluate(CHANGED)
    expect(page.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    still_waits(stack, page, approval)


def test_nothing_can_be_pressed_before_the_scripts_are_there(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked()
    page = open_page.context().new_page()
    held: list[Route] = []
    page.route("**/boot.js", lambda route: held.append(route))  # noqa: PLW0108 - the library marks what it is given
    page.goto(f"/approvals/{approval['id']}", wait_until="commit")
    button = page.get_by_role("button", name="Approve", exact=True)
    button.click(no_wait_after=True)
    button.press("Enter", no_wait_after=True)
    assert stack.read(approval)["status"] == "pending"
    held[0].continue_()
    expect(page.locator("html[data-ready]")).to_have_count(1)
    still_waits(stack, page, approval)


def test_a_page_whose_scripts_never_come_is_one_without_scripts(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked()
    open_page.expects("boot.js")
    context = open_page.context()
    context.clock.install()
    page = context.new_page()
    page.route("**/boot.js", lambda route: route.abort())
    page.goto(f"/approvals/{approval['id']}")
    page.clock.fast_forward(11_000)
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.locator("#outcome")).to_contain_text("Approved by Local (web)")


def standing_still(open_page: Opening, approval: Json) -> Page:
    """Opens an approval, and lets no time pass from the moment in which its tab comes back."""
    context = open_page.context()
    context.clock.install()
    page = context.new_page()
    page.goto(f"/approvals/{approval['id']}")
    page.clock.pause_at(page.evaluate("Date.now() / 1000 + 60"))
    page.evaluate(BACK)
    return page


def test_a_button_lives_after_600_milliseconds_and_not_before(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked()
    page = standing_still(open_page, approval)
    button = page.get_by_role("button", name="Approve", exact=True)
    page.clock.run_for(590)
    button.click()
    page.clock.run_for(5)
    assert stack.read(approval)["status"] == "pending"
    expect(page.locator("#decide[data-disarmed]")).to_have_count(1)
    page.clock.run_for(30)
    armed(page)
    button.click()
    expect(page.locator("#outcome")).to_contain_text("Approved by Local (web)")


@pytest.mark.parametrize(
    "keys",
    [
        "a Enter a Enter",
        "Space",
        *(
            pytest.param(keys, marks=pytest.mark.repeated)
            for keys in ("Enter", "a", "Enter Enter Enter", "1 Enter", "y", "o")
        ),
    ],
)
def test_keys_typed_in_the_moment_in_which_the_page_appears_decide_nothing(
    stack: Stack, open_page: Opening, keys: str
) -> None:
    """However long the machine takes for them: the moment stands still."""
    approval = stack.asked()
    page = standing_still(open_page, approval)
    for key in keys.split():
        page.keyboard.press(key)
    expect(page.get_by_role("heading", level=1)).to_have_text(headline_of(approval))
    page.clock.run_for(700)
    still_waits(stack, page, approval)


@pytest.mark.parametrize("path", ["/approvals/{id}", "/approvals/{id}/edit", "/inbox?q={title}"])
def test_enter_on_a_fresh_page_decides_nothing(stack: Stack, open_page: Opening, path: str) -> None:
    approval = stack.asked()
    page = open_page(path.format(**approval))
    armed(page)
    for key in ("Enter", "Space", "Enter"):
        page.keyboard.press(key)
    assert stack.read(approval)["status"] == "pending"
    page.goto(f"/approvals/{approval['id']}")
    still_waits(stack, page, approval)


def test_the_key_for_approving_only_goes_to_the_button(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked()
    page = opened(open_page, approval)
    armed(page)
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="Approve", exact=True)).to_be_focused()
    assert stack.read(approval)["status"] == "pending"
    page.keyboard.press("Enter")
    expect(page.locator("#outcome")).to_contain_text("Approved by Local (web)")


def test_a_key_that_is_held_down_does_not_go_on_to_press(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked()
    page = opened(open_page, approval)
    armed(page)
    page.keyboard.down("Enter")
    page.get_by_role("button", name="Approve", exact=True).focus()
    for _ in range(3):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    still_waits(stack, page, approval)


def test_a_tab_that_comes_back_waits_until_somebody_moves(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked()
    context = open_page.context()
    context.add_init_script(HIDDEN)
    page = context.new_page()
    page.goto(f"/approvals/{approval['id']}")
    armed(page)
    page.evaluate("dispatchEvent(new Event('placet:hide')); dispatchEvent(new Event('placet:show'))")
    armed(page)
    # A press that no hand has led here: nobody has moved, touched or typed anything since.
    page.evaluate("""document.querySelector('form[data-decide="approve"] button').click()""")
    assert stack.read(approval)["status"] == "pending"
    page.mouse.move(200, 200)
    still_waits(stack, page, approval)


def test_a_confirmation_begins_at_going_back_and_is_dead_at_first(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked(risk="high")
    page = opened(open_page, approval)
    armed(page)
    page.get_by_role("button", name="Approve…").click()
    dialog = page.get_by_role("dialog", name="Confirm")
    expect(dialog.get_by_text("Go back")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Approve…")).to_be_focused()
    assert stack.read(approval)["status"] == "pending"


def test_escape_closes_and_never_decides(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked(risk="critical")
    page = opened(open_page, approval)
    armed(page)
    page.keyboard.press("r")
    field = page.get_by_label("Tell the agent why")
    expect(field).to_be_focused()
    page.keyboard.insert_text("half a rea")
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    page.get_by_role("button", name="Approve…").click()
    dialog = page.get_by_role("dialog", name="Confirm")
    expect(dialog).to_be_visible()
    page.get_by_label("to confirm").fill("refund")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.keyboard.press("r")
    expect(field).to_have_value("half a rea")
    assert stack.read(approval)["status"] == "pending"


def test_single_keys_are_silent_while_somebody_types_and_where_they_are_off(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked()
    page = opened(open_page, approval)
    armed(page)
    page.keyboard.press("m")
    page.keyboard.type("arm e v h ? /")
    expect(page.get_by_label("The tool will not run")).to_have_value("arm e v h ? /")
    page.goto("/settings")
    page.get_by_role("group", name="Single-key shortcuts").get_by_label("Off").check()
    page.get_by_role("button", name="Save").click()
    page.goto(f"/approvals/{approval['id']}")
    armed(page)
    page.keyboard.press("r")
    page.keyboard.press("?")
    expect(page.get_by_label("Tell the agent why")).to_be_hidden()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert stack.read(approval)["status"] == "pending"


def test_a_second_press_of_the_same_button_is_the_same_decision(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked()
    page = opened(open_page, approval)
    armed(page)
    page.get_by_role("button", name="Approve", exact=True).dblclick()
    expect(page.locator("#outcome")).to_contain_text("Approved by Local (web)")
    expect(page.locator("#problem")).to_have_count(0)
    ended = stack.outcome(approval)
    assert (ended["status"], ended["refused"]) == ("approved", [])
