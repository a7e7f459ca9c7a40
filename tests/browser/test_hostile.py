"""Whatever an agent, a tool or a person writes stays text, and all of it is shown."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import quote, urlencode
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from placet_testing.browser.fixtures import Opening
from placet_testing.browser.hands import armed
from placet_testing.browser.rows import shows_all
from placet_testing.browser.stack import Stack, headline_of
from placet_testing.deployment import Json
from placet_testing.hostile import TEXTS, nested, read_text

FOREIGN: Final = """() => [...document.querySelectorAll('*')].filter((one) =>
    ['IFRAME', 'OBJECT', 'EMBED', 'IMG', 'BASE', 'STYLE', 'FRAME', 'VIDEO', 'AUDIO'].includes(one.tagName)
    || one.hasAttribute('http-equiv') || one.hasAttribute('style')
    || (one.tagName === 'SCRIPT' && !one.getAttribute('src')?.startsWith('/static/'))
    || (one.tagName === 'LINK' && !one.getAttribute('href')?.startsWith('/static/'))
    || (one.tagName === 'FORM' && !one.action.startsWith(location.origin + '/'))
    || (one.tagName === 'A' && !one.href.startsWith('http'))
    || [...one.attributes].some((attribute) => attribute.name.startsWith('on'))
  ).map((one) => one.outerHTML.slice(0, 200))"""
"""What no page of ours holds."""
JOINED: Final = "\n".join(text for name, text in TEXTS.items() if name != "lines")


SAID: Final = JOINED.replace("\x00", "")
"""What the ledger keeps of words: no database holds a NUL."""


def is_inert(page: Page) -> None:
    """Checks that a page holds nothing but what is ours, and that nothing in it has run."""
    assert page.evaluate(FOREIGN) == []
    assert page.title() != "owned"
    assert "7*7" not in page.title() or "49" not in page.title()


def test_no_text_is_more_than_text_in_a_call(stack: Stack, open_page: Opening) -> None:
    page = open_page("/inbox")
    for text in TEXTS.values():
        args = {text: text, "list": [text, {text: text}]}
        approval = stack.asked(title=text, reason=text, tool=text, args=args, args_schema=None)
        page.goto(f"/approvals/{approval['id']}")
        expect(page.locator("h1")).to_have_text(headline_of(approval))
        assert read_text(page.locator(".tool code").text_content() or "") == read_text(text)
        assert read_text(page.locator(".says blockquote").text_content() or "") == read_text(f"{text}\n{text}")
        shows_all(page, args)
        is_inert(page)
        armed(page)
        stack.decided(approval, "reject")
    page.goto("/inbox?tab=ended")
    is_inert(page)


def test_no_text_is_more_than_text_on_the_way_to_a_decision(stack: Stack, open_page: Opening) -> None:
    """The list, the dialog, the form, the review, and the page of what was decided."""
    name = uuid4().hex
    args = {"order": JOINED, "amount": 1}
    approval = stack.asked(
        title=f"{name} {TEXTS['script']}", tool=TEXTS["image"], reason=JOINED, risk="high", args=args
    )
    page = open_page(f"/inbox?{urlencode({'q': name})}")
    expect(page.locator("tr[data-id]")).to_have_count(1)
    is_inert(page)
    page.locator("tr[data-id] a.title").click()
    armed(page)
    page.get_by_role("button", name="Approve…").click()
    expect(page.get_by_role("dialog", name="Confirm")).to_be_visible()
    is_inert(page)
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Edit…").click()
    is_inert(page)
    page.get_by_role("textbox", name="amount").fill("2")
    page.get_by_role("button", name="Review the changes").click()
    expect(page.locator("#review")).to_be_visible()
    is_inert(page)
    armed(page)
    page.get_by_role("button", name="Approve with changes").click()
    expect(page.locator("#outcome")).to_contain_text("Approved with edits")
    is_inert(page)
    assert stack.outcome(approval)["decision"]["args"] == args | {"amount": 2}


def test_no_text_is_more_than_text_in_a_question_and_its_answer(stack: Stack, open_page: Opening) -> None:
    hostile = list(TEXTS.items())
    options = [{"label": f"{text} {name}", "description": text} for name, text in hostile]
    approval = stack.question(
        {"header": TEXTS["script"], "question": JOINED, "options": options, "multi_select": True},
        {"question": TEXTS["form"], "allow_text": True},
        context={text: text for text in TEXTS.values()},
    )
    page = open_page(f"/approvals/{approval['id']}")
    is_inert(page)
    legend = page.locator("legend").first.text_content() or ""
    assert read_text(JOINED) in read_text(legend)
    labels = page.locator(".choice-row > span > bdi").all_text_contents()
    assert [read_text(label) for label in labels] == [read_text(str(one["label"])) for one in options]
    boxes = page.get_by_role("checkbox")
    for place in (0, 5):
        boxes.nth(place).check()
    typed = JOINED.replace("\x00", "").replace("\r", "")
    page.get_by_role("textbox", name="Your answer").fill(typed)
    armed(page)
    page.get_by_role("button", name="Send the answers").click()
    expect(page.locator("#outcome")).to_contain_text("Answered")
    is_inert(page)
    answers = stack.outcome(approval)["decision"]["answers"]
    assert answers[approval["questions"][1]["id"]]["text"] == typed
    shown = page.locator(".exactly blockquote").text_content() or ""
    assert read_text(shown) == read_text(typed)


def test_no_text_is_more_than_text_in_what_a_run_says(stack: Stack, open_page: Opening) -> None:
    """The goal, the agent's words, the results of tools, the timeline, the calls of a turn."""
    text = f"{uuid4().hex} {SAID}"
    turns = [
        [{"say": SAID, "tool": "note", "args": {"text": text}}],
        [{"say": SAID, "tool": "send", "args": {"text": text}}, {"tool": "send", "args": {"text": TEXTS["script"]}}],
    ]
    script = [{"role": "user", "content": SAID}, {"role": "user", "content": json.dumps(turns)}]
    answer = stack.client().post("/v1/runs", json={"agent": "desk", "input": script})
    assert answer.status_code == 201, answer.text
    run = answer.json()
    first, second = stack.pending(run, 2)
    page = open_page(f"/approvals/{first['id']}?whole=1")
    is_inert(page)
    assert read_text(page.locator(".says blockquote").first.text_content() or "") == read_text(SAID)
    goal = page.locator(".context dd").first.text_content() or ""
    assert read_text(goal).startswith(read_text(SAID)[:100])
    shows_all(page, {"text": text})
    for path in (f"/runs/{run['id']}?whole=1", f"/runs/{run['id']}/turns/1", "/runs"):
        page.goto(path)
        is_inert(page)
    for one in (first, second):
        stack.decided(one, "respond", SAID)
    stack.finished(run)
    page.goto(f"/runs/{run['id']}?whole=1")
    is_inert(page)
    said = page.locator(".transcript .role-result blockquote").all_text_contents()
    assert read_text(said[-1]) == read_text(SAID)


@pytest.mark.parametrize("text", [TEXTS["script"], TEXTS["attribute"], TEXTS["ends of what stands around"]])
def test_no_text_is_more_than_text_in_an_address(stack: Stack, open_page: Opening, text: str) -> None:
    open_page.expects("status of 4")
    stack.asked()
    page = open_page("/inbox")
    for path in (
        f"/inbox?{urlencode({'q': text, 'agent': text, 'tool': text})}",
        f"/inbox?{urlencode({'tab': text})}",
        f"/approvals/{quote(text, safe='')}",
        f"/agents/{quote(text, safe='')}",
        f"/agents/desk?{urlencode({'tool': text, 'args': text})}",
        f"/agents/desk?{urlencode({'tool': 'send', 'args': json.dumps({'text': text})})}",
        f"/runs/{quote(text, safe='')}",
        f"/runs?{urlencode({'agent': text, 'thread_id': text})}",
    ):
        page.goto(path)
        is_inert(page)


LARGE: Final[dict[str, Any]] = {
    "a megabyte": {"text": "\U0001f4e6<b>" + "x" * 999_990 + "end"},
    "fifty levels": {"deep": nested(50)},
    "ten thousand keys below": {"below": {f"key {number:05}": str(number) for number in range(10_000)}},
}


@pytest.mark.parametrize("args", LARGE.values(), ids=LARGE)
def test_what_is_large_is_shown_to_its_end_and_decided(stack: Stack, open_page: Opening, args: Json) -> None:
    approval = stack.asked(args=args, args_schema=None)
    page = open_page(f"/approvals/{approval['id']}?whole=1")
    shows_all(page, args)
    is_inert(page)
    armed(page)
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.locator("#outcome")).to_contain_text("Approved by Local (web)")
    assert stack.outcome(approval)["decision"]["digest"] == approval["digest"]


@pytest.mark.repeated
@pytest.mark.timeout(600)
def test_ten_thousand_arguments_are_shown_each_in_its_row(stack: Stack, open_page: Opening) -> None:
    args = {f"key {number:05}": number for number in range(10_000)}
    approval = stack.asked(args=args, args_schema=None)
    page = open_page(f"/approvals/{approval['id']}?whole=1")
    shows_all(page, args)


def test_what_is_long_and_grave_is_approved_only_after_all_of_it_was_shown(stack: Stack, open_page: Opening) -> None:
    approval = stack.asked(risk="high", args={"order": "x" * 14_233 + "the end", "amount": 1})
    page = open_page(f"/approvals/{approval['id']}")
    expect(page.get_by_text("12,240 more characters")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    page.get_by_role("link", name="Read all of order").click()
    expect(page.locator("pre.text").filter(has_text="the end")).to_be_visible()
    armed(page)
    page.get_by_role("button", name="Approve…").click()
    expect(page.get_by_role("dialog", name="Confirm")).to_be_visible()
    assert stack.read(approval)["status"] == "pending"
