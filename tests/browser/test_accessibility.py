"""Everybody can use every page: WCAG 2.2 AA as far as programs can tell, in every state and both themes."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from placet_testing.browser.fixtures import Opening
from placet_testing.browser.hands import STEPS, armed, covered
from placet_testing.browser.stack import Stack
from placet_testing.browser.states import STATES, Scene
from placet_testing.deployment import Json

AXE: Final = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NARROWEST: Final[ViewportSize] = {"width": 320, "height": 640}
SMALLEST: Final = 24
"""CSS pixels of a target, either way (WCAG 2.5.8)."""
CORE: Final = frozenset(
    {"the list", "a call of a run", "a form with mistakes", "questions", "the calls of a turn", "a wrong password"}
)
"""States that every run of the tests looks at."""
_SIDEWAYS: Final = """() => document.scrollingElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
    .map((one) => one.outerHTML.slice(0, 120)).slice(0, 5)"""
_SMALL: Final = """(smallest) => [...document.querySelectorAll('button, summary, select, input, textarea, a.button')]
  .filter((one) => one.checkVisibility() && !one.closest('[hidden], [aria-hidden="true"]') && one.type !== 'hidden')
  .filter((one) => {
    const box = (one.labels?.[0]?.closest('label.check, label.choice-row') ?? one).getBoundingClientRect();
    return box.width < smallest || box.height < smallest;
  }).map((one) => one.outerHTML.slice(0, 120))"""
_WITHOUT_EDGE: Final = """() => [...document.querySelectorAll('button, a.button, input, select, textarea')]
  .filter((one) => one.checkVisibility() && !['checkbox', 'radio', 'hidden'].includes(one.type))
  .filter((one) => !one.matches('.quiet, .visually-hidden'))
  .filter((one) => ['none', '0px'].includes(getComputedStyle(one).borderTopStyle))
  .map((one) => one.outerHTML.slice(0, 120))"""
_FROM_THE_TOP: Final = """() => {
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute('tabindex');
  scrollTo(0, 0);
}"""
"""What has lost the focus is still where the next Tab begins; the body is where a page begins."""
_MOVING: Final = """() => [...document.querySelectorAll('*')]
  .filter((one) => getComputedStyle(one).transitionDuration !== '0s').map((one) => one.outerHTML.slice(0, 120))"""


def violations(page: Page, **options: Any) -> list[str]:
    """Returns what axe-core has against a page as it stands."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE)
    found: list[Json] = page.evaluate(
        "(options) => axe.run(document, options).then((found) => found.violations)", options
    )
    return [f"{one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes'][:3]]}" for one in found]


@pytest.mark.parametrize(
    "state", [pytest.param(state, marks=() if state in CORE else pytest.mark.repeated) for state in STATES]
)
def test_nothing_stands_in_anybodys_way(stack: Stack, open_page: Opening, state: str) -> None:
    """Names, roles, contrast in both themes, forced colours, 320 pixels, sizes of what is pressed."""
    page = STATES[state](Scene(stack, open_page))
    page.emulate_media(color_scheme="light")
    wrong = violations(page, runOnly=TAGS)
    page.emulate_media(color_scheme="dark")
    wrong += [f"dark {one}" for one in violations(page, runOnly=["color-contrast"])]
    page.emulate_media(color_scheme="light", forced_colors="active")
    wrong += [f"without an edge in forced colours: {one}" for one in page.evaluate(_WITHOUT_EDGE)]
    page.emulate_media(forced_colors="none")
    wrong += [f"small: {one}" for one in page.evaluate(_SMALL, SMALLEST)]
    page.set_viewport_size(NARROWEST)
    wrong += [f"wider than 320 pixels: {one}" for one in page.evaluate(_SIDEWAYS)]
    wrong += [f"narrow: {one}" for one in violations(page, runOnly=["target-size", "scrollable-region-focusable"])]
    wrong += [f"small when narrow: {one}" for one in page.evaluate(_SMALL, SMALLEST)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "size",
    [NARROWEST, pytest.param({"width": 1280, "height": 720}, marks=pytest.mark.repeated)],
    ids=["narrow", "wide"],
)
@pytest.mark.parametrize(
    "state",
    [
        *("a form", "a reason half written"),
        *(
            pytest.param(one, marks=pytest.mark.repeated)
            for one in ("the list", "a call of a run", "questions", "a review")
        ),
    ],
)
def test_the_focus_goes_through_the_page_in_order_and_is_never_covered(
    stack: Stack, open_page: Opening, state: str, size: Any
) -> None:
    page = STATES[state](Scene(stack, open_page))
    page.set_viewport_size(size)
    page.evaluate(_FROM_THE_TOP)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    seen: list[int] = []
    for _ in range(STEPS):
        page.keyboard.press("Tab")
        assert covered(page) is None
        place: int = page.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)")
        if place <= (seen[-1] if seen else 0):
            break
        seen.append(place)
    # What can be reached is reached in the order of the document, down to the last control of the page.
    assert seen == sorted(seen)
    assert len(seen) > 8


def test_the_skip_link_leads_past_the_header(stack: Stack, open_page: Opening) -> None:
    page = open_page(f"/approvals/{stack.asked()['id']}")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("main :focus")).to_have_count(1)


def test_what_changes_by_itself_is_told_quietly(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked()
    page = open_page(f"/approvals/{approval['id']}")
    expect(page.locator("#polite")).to_have_attribute("aria-live", "polite")
    stack.decided(approval)
    expect(page.locator("#polite")).to_contain_text("Approved by Local (api)")


@pytest.mark.repeated
def test_the_end_of_the_time_is_told_at_once_and_the_countdown_is_not(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked(expires_after="10s")
    page = open_page(f"/approvals/{approval['id']}")
    expect(page.get_by_role("timer")).to_have_attribute("aria-live", "off")
    expect(page.locator("#assertive")).to_have_text("The time to decide is over.")
    expect(page.locator("#polite")).to_contain_text("Expired")


def test_a_page_moves_nothing_for_who_wants_no_motion(stack: Stack, open_page: Opening) -> None:
    stack.asked()
    page = open_page("/inbox", reduced_motion="reduce")
    armed(page)
    assert page.evaluate(_MOVING) == []


def test_what_is_printed_is_the_call_and_no_controls(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked()
    page = open_page(f"/approvals/{approval['id']}")
    page.emulate_media(media="print")
    expect(page.locator("#decide")).to_be_hidden()
    expect(page.get_by_text(approval["digest"]).last).to_be_visible()
