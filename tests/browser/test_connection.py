"""What a page hangs on: a gateway that restarts, no network, eight tabs, a wrong clock, no Temporal, no worker."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from placet_testing.browser.fixtures import Opening
from placet_testing.browser.hands import armed
from placet_testing.browser.stack import LOCAL, Stack, headline_of
from placet_testing.deployment import Json

SKEWED = """
const real = Date, by = %d, origin = performance.timeOrigin;
globalThis.Date = class extends real {
  constructor(...given) { super(...(given.length ? given : [real.now() + by])); }
  static now() { return real.now() + by; }
};
Object.defineProperty(Performance.prototype, 'timeOrigin', { get: () => origin + by });
"""
"""A machine whose clock is wrong: all that a page can ask for the time is."""
TABS = 8


def opened(open_page: Opening, approval: Json) -> Page:
    page = open_page(f"/approvals/{approval['id']}")
    expect(page.get_by_role("heading", level=1)).to_have_text(headline_of(approval))
    return page


def hears(stack: Stack, *pages: Page) -> None:
    """Waits until the pages hear of what happens: each shows the end of an approval of its own."""
    for page in pages:
        approval = stack.asked()
        page.goto(f"/approvals/{approval['id']}")
        stack.decided(approval)
        expect(page.locator("#outcome")).to_contain_text("Approved by Local (api)")


def approve(page: Page) -> None:
    armed(page)
    page.get_by_role("button", name="Approve", exact=True).click()


def write_reason(page: Page, text: str) -> None:
    armed(page)
    page.get_by_text("Reject…", exact=True).click()
    page.get_by_label("Tell the agent why").fill(text)


def test_a_gateway_that_restarts_is_missed_and_found_again(stack: Stack, open_page: Opening) -> None:
    open_page.expects("ERR_", "failed:")
    page = open_page("/inbox")
    hears(stack, page)
    approval = stack.asked()
    page.goto(f"/approvals/{approval['id']}")
    write_reason(page, "written before")
    stack.gateways[LOCAL].kill()
    connection = page.locator("#connection")
    expect(connection).to_contain_text("Not live since")
    expect(page.get_by_label("Tell the agent why")).to_have_value("written before")
    stack.start()
    expect(connection).to_be_hidden(timeout=40_000)
    # The form was open while the gateway was away: it still counts.
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.locator("#outcome")).to_contain_text("Rejected by Local (web)")
    assert stack.outcome(approval)["decision"]["message"] == "written before"


def test_what_happened_while_the_gateway_was_away_is_shown_when_it_is_back(stack: Stack, open_page: Opening) -> None:
    open_page.expects("ERR_", "failed:")
    approval = stack.asked()
    page = opened(open_page, approval)
    stack.gateways[LOCAL].kill()
    expect(page.locator("#connection")).to_contain_text("Not live since")
    assert stack.decide(approval, user="root", gateway=1).status_code == 200
    stack.start()
    expect(page.locator("#outcome")).to_contain_text("Approved by user:root (api)", timeout=40_000)


def test_offline_says_so_sends_nothing_later_and_keeps_what_was_typed(stack: Stack, open_page: Opening) -> None:
    open_page.expects("ERR_INTERNET_DISCONNECTED")
    approval = stack.asked()
    page = opened(open_page, approval)
    write_reason(page, "in a tunnel")
    page.context.set_offline(True)
    expect(page.locator("#connection")).to_contain_text("Not live since")
    page.get_by_role("button", name="Reject", exact=True).click()
    page.wait_for_url("chrome-error://**")
    page.context.set_offline(False)
    page.go_back()
    expect(page.get_by_label("Tell the agent why")).to_have_value("in a tunnel")
    expect(page.locator("#connection")).to_be_hidden()
    assert stack.read(approval)["status"] == "pending"
    armed(page)
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.locator("#outcome")).to_contain_text("Rejected by Local (web)")


def test_back_on_line_the_bar_goes_and_the_page_is_read_again(stack: Stack, open_page: Opening) -> None:
    open_page.expects("ERR_INTERNET_DISCONNECTED")
    approval = stack.asked()
    page = opened(open_page, approval)
    page.context.set_offline(True)
    expect(page.locator("#connection")).to_contain_text("Not live since")
    stack.decided(approval)
    page.context.set_offline(False)
    expect(page.locator("#outcome")).to_contain_text("Approved by Local (api)")
    expect(page.locator("#connection")).to_be_hidden()


def test_eight_tabs_share_one_stream_and_all_hear_of_it(stack: Stack, open_page: Opening) -> None:
    before = stack.streams()
    approval = stack.asked()
    context = open_page.context()
    pages = [context.new_page() for _ in range(TABS)]
    for page in pages:
        page.goto(f"/approvals/{approval['id']}")
    stack.wait(lambda: stack.streams() == before + 1)
    approve(pages[-1])
    for page in pages:
        expect(page.locator("#outcome")).to_contain_text("Approved by Local (web)")
    assert stack.streams() == before + 1
    # The first tab held the stream for nobody alone: it goes, and the others still hear.
    pages[0].close()
    hears(stack, pages[1])


@pytest.mark.parametrize("hours", [-11, 13])
def test_a_wrong_clock_changes_neither_what_is_left_nor_who_may_decide(
    stack: Stack, open_page: Opening, hours: int
) -> None:
    approval = stack.asked(expires_after="2h")
    context = open_page.context()
    context.add_init_script(SKEWED % int(timedelta(hours=hours).total_seconds() * 1_000))
    page = context.new_page()
    page.goto(f"/approvals/{approval['id']}")
    # The page counts with the gateway's clock: the first full minute has begun, whatever this machine thinks.
    expect(page.locator("#until")).to_contain_text("in 1 h 59 min")
    page.wait_for_function("new Date().getTime() > 0")
    approve(page)
    expect(page.locator("#outcome")).to_contain_text("Approved by Local (web)")


def test_without_temporal_nothing_is_lost_and_the_page_says_so(stack: Stack, open_page: Opening) -> None:
    open_page.expects("status of 503")
    approval = stack.asked()
    page = opened(open_page, approval)
    write_reason(page, "nobody hears me")
    stack.to_temporal.cut()
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.get_by_text("nobody hears me")).to_be_visible(timeout=30_000)
    assert stack.read(approval)["status"] == "pending"
    stack.to_temporal.mend()
    armed(page)
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.locator("#outcome")).to_contain_text("Rejected by Local (web)", timeout=30_000)
    assert stack.outcome(approval)["decision"]["message"] == "nobody hears me"


def test_without_a_worker_a_decision_is_recorded_and_the_page_says_so(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked()
    page = opened(open_page, approval)
    stack.kill_workers()
    approve(page)
    recorded = page.get_by_text("A decision is recorded and takes effect as soon as a worker runs.")
    expect(recorded).to_be_visible(timeout=30_000)
    expect(page.locator("#decide")).to_have_count(0)
    stack.start()
    expect(page.locator("#outcome")).to_contain_text("Approved by Local (web)", timeout=40_000)
    assert stack.outcome(approval)["status"] == "approved"
