"""Every state that a page can be in, each brought about as people bring it about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from playwright.sync_api import Page, expect

from placet_testing.browser.fixtures import Opening
from placet_testing.browser.hands import armed
from placet_testing.browser.signing_in import type_password
from placet_testing.browser.stack import SIGNED, Stack
from placet_testing.deployment import Json

NARROW: Final[Json] = {
    "type": "object",
    "properties": {
        "amount": {"type": "number", "description": "In euros"},
        "note": {"type": ["string", "null"]},
        "to": {"type": "array", "items": {"type": "string"}},
        "size": {"enum": ["small", "large"]},
        "express": {"type": "boolean"},
    },
    "required": ["amount"],
}
FULL: Final[Json] = {"amount": 250.5, "note": None, "to": ["a@shop.example", "b@shop.example"], "size": "small"}
LONG: Final[Json] = {"amount": 1, "order": "all of it " * 400, "path": "/srv/" + "deep/" * 60}
ASKED: Final[tuple[Json, ...]] = (
    {
        "header": "Account",
        "question": "Which account?",
        "options": ["Savings", {"label": "Current", "description": "Daily"}],
    },
    {"question": "Who gets a copy?", "options": ["Ann", "Ben"], "multi_select": True, "allow_text": True},
    {"question": "Why?", "allow_text": True},
)

_NOT_LIVE: Final = "delete window.SharedWorker; Object.defineProperty(navigator, 'locks', { value: undefined });"
"""A page that hears of nothing but by asking now and then: somebody else can be faster."""


@dataclass(frozen=True)
class Scene:
    """What it takes to bring a state about."""

    stack: Stack
    open_page: Opening

    def at(self, path: str, user: str = "") -> Page:
        """Opens an address and waits until its controls live."""
        page = self.open_page(path, user)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        armed(page)
        return page

    def approval(self, approval: Json, user: str = "", query: str = "") -> Page:
        """Opens an approval."""
        return self.at(f"/approvals/{approval['id']}{query}", user)

    def ended(self, kind: str, message: str | None = None) -> Page:
        """Opens an approval that somebody has decided on."""
        approval = self.stack.asked()
        self.stack.decided(approval, kind, message)
        self.stack.ended(approval)
        return self.approval(approval)

    def run(self) -> tuple[Json, list[Json]]:
        """Starts a run that waits for two calls."""
        calls = [{"say": "I will tell them both.", "tool": "send", "args": {"text": uuid4().hex}}] * 2
        run = self.stack.run([{"tool": "note", "args": {"text": "first"}}], calls, user="")
        return run, self.stack.pending(run, 2)


State = Callable[[Scene], Page]


def _named(name: str, *asks: Json) -> Callable[[Scene], Page]:
    def bring(scene: Scene) -> Page:
        word = uuid4().hex
        for ask in asks:
            scene.stack.asked(title=f"{word} {name}", **ask)
        page = scene.at(f"/inbox?q={word}")
        expect(page.locator("tr[data-id]")).to_have_count(len(asks))
        return page

    return bring


def _picked(scene: Scene) -> Page:
    page = _named("picked", {}, {}, {"risk": "high"})(scene)
    for box in page.get_by_role("checkbox", name="Select:").all():
        box.check()
    return page


def _looked_at_together(scene: Scene) -> Page:
    page = _picked(scene)
    page.get_by_role("button", name="Reject selected…").click()
    expect(page.get_by_role("heading", name="Reject 2")).to_be_visible()
    return page


def _decided_together(scene: Scene) -> Page:
    page = _looked_at_together(scene)
    armed(page)
    page.get_by_role("button", name="Reject 2").click()
    expect(page.locator("#results")).to_be_visible()
    return page


def _saying(key: str) -> State:
    def bring(scene: Scene) -> Page:
        page = scene.approval(scene.stack.asked())
        page.keyboard.press(key)
        expect(page.locator("details.say[open] textarea")).to_be_focused()
        return page

    return bring


def _confirming(risk: str) -> State:
    def bring(scene: Scene) -> Page:
        page = scene.approval(scene.stack.asked(risk=risk))
        page.get_by_role("button", name="Approve…").click()
        expect(page.get_by_role("dialog", name="Confirm")).to_be_visible()
        armed(page)
        return page

    return bring


def _wrong_edit(scene: Scene) -> Page:
    scene.open_page.expects("status of 422")
    page = scene.approval(scene.stack.asked(args=FULL, args_schema=NARROW), query="/edit")
    page.get_by_role("textbox", name="amount").fill("much")
    page.get_by_role("button", name="Review the changes").click()
    expect(page.locator("#summary")).to_be_visible()
    return page


def _review(scene: Scene) -> Page:
    page = scene.approval(scene.stack.asked(risk="critical", args=FULL, args_schema=NARROW), query="/edit")
    page.get_by_role("textbox", name="amount").fill("3")
    page.get_by_role("button", name="Review the changes").click()
    expect(page.locator("#review")).to_be_visible()
    armed(page)
    return page


def _wrong_answer(scene: Scene) -> Page:
    scene.open_page.expects("status of 422")
    page = scene.approval(scene.stack.question(*ASKED))
    page.get_by_role("button", name="Send the answers").click()
    expect(page.locator("#problem")).to_be_visible()
    return page


def _answered(scene: Scene) -> Page:
    approval = scene.stack.question({"question": "Why?", "allow_text": True})
    answers: Json = {approval["questions"][0]["id"]: {"text": "Because it is due"}}
    assert scene.stack.decide(approval, "answer", user="", answers=answers).status_code == 200
    scene.stack.ended(approval)
    return scene.approval(approval)


def _lost(scene: Scene) -> Page:
    scene.open_page.expects("status of 409")
    approval = scene.stack.asked()
    context = scene.open_page.context()
    context.add_init_script(_NOT_LIVE)
    page = context.new_page()
    page.goto(f"/approvals/{approval['id']}")
    armed(page)
    page.get_by_text("Reject…", exact=True).click()
    page.get_by_label("Tell the agent why").fill("Too late for this")
    scene.stack.decided(approval)
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.locator("#problem")).to_be_visible()
    return page


def _turn(scene: Scene) -> Page:
    run, _ = scene.run()
    return scene.at(f"/runs/{run['id']}/turns/1")


def _of_a_run(scene: Scene) -> Page:
    _, (first, _) = scene.run()
    return scene.approval(first)


def _run(scene: Scene) -> Page:
    run, _ = scene.run()
    return scene.at(f"/runs/{run['id']}")


def _problem(scene: Scene) -> Page:
    scene.open_page.expects("status of 404")
    return scene.at(f"/approvals/{uuid4().hex}")


def _sign_in(scene: Scene, password: str = "") -> Page:
    page = scene.open_page("/sign-in?next=/inbox", gateway=SIGNED)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    if password:
        scene.open_page.expects("status of 401")
        type_password(page, "dana", password)
        expect(page.locator("#problem")).to_be_visible()
    armed(page)
    return page


def _keys(scene: Scene) -> Page:
    page = scene.at("/settings")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    return page


def _offline(scene: Scene) -> Page:
    scene.open_page.expects("ERR_INTERNET_DISCONNECTED")
    page = scene.approval(scene.stack.asked())
    page.context.set_offline(True)
    expect(page.locator("#connection")).to_be_visible()
    return page


STATES: Final[dict[str, State]] = {
    "the list": _named("row", {}, {"risk": "critical", "expires_after": "5m"}, {"risk": "low", "args": LONG}),
    "rows that are picked": _picked,
    "an empty list": lambda scene: scene.at(f"/inbox?q={uuid4().hex}"),
    "what was decided": lambda scene: scene.at("/inbox?tab=ended"),
    "several looked at": _looked_at_together,
    "several decided": _decided_together,
    "a call": lambda scene: scene.approval(scene.stack.asked(reason="Above 100\nfinance decides")),
    "a grave call that is long": lambda scene: scene.approval(scene.stack.asked(risk="high", args=LONG)),
    "a long call shown whole": lambda scene: scene.approval(scene.stack.asked(args=LONG), query="?whole=1"),
    "a call of a run": _of_a_run,
    "a call that is for others": lambda scene: scene.approval(scene.stack.asked("max", SIGNED), "max"),
    "a reason half written": _saying("r"),
    "a response half written": _saying("m"),
    "a confirmation": _confirming("high"),
    "a typed confirmation": _confirming("critical"),
    "a form": lambda scene: scene.approval(scene.stack.asked(args=FULL, args_schema=NARROW), query="/edit"),
    "a form as JSON": lambda scene: scene.approval(scene.stack.asked(args=FULL), query="/edit?raw=1"),
    "a form with mistakes": _wrong_edit,
    "a review": _review,
    "questions": lambda scene: scene.approval(scene.stack.question(*ASKED, allow_skip=True)),
    "questions with mistakes": _wrong_answer,
    "approved": lambda scene: scene.ended("approve"),
    "rejected": lambda scene: scene.ended("reject", "Not this one"),
    "answered": _answered,
    "a race that was lost": _lost,
    "the calls of a turn": _turn,
    "a run": _run,
    "runs": lambda scene: scene.at("/runs"),
    "agents": lambda scene: scene.at("/agents"),
    "an agent": lambda scene: scene.at('/agents/desk?tool=remit&args={"text":"x","amount":500}'),
    "settings": lambda scene: scene.at("/settings"),
    "the keys": _keys,
    "nothing there": _problem,
    "not live": _offline,
    "signing in": _sign_in,
    "a wrong password": lambda scene: _sign_in(scene, "not that"),
}
"""By name; each opens a page of its own."""
