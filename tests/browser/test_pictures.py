"""Every state of the pages in the widths and colours that people have; the docs' pictures are taken on the way.

With `PLACET_PICTURES` set, the pictures of the docs are written to that folder:
`PLACET_PICTURES=docs/how-to/images make e2e`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Page, expect

from placet_testing.browser.fixtures import Opening
from placet_testing.browser.hands import armed
from placet_testing.browser.stack import Stack
from placet_testing.deployment import Json

pytestmark = pytest.mark.repeated

WIDTHS: Final = {1440: 900, 768: 1000, 360: 780, 320: 640}
ROOM: Final = 220
"""Pixels below which a request is read a word a line."""
KEPT: Final = os.environ.get("PLACET_PICTURES")
SQL: Final = """\
UPDATE invoices
SET status = 'cancelled'
WHERE customer_id = 4711 AND issued_at < '2026-01-01';
DELETE FROM reminders"""
PATCH: Final = """\
--- a/app/settings.py
+++ b/app/settings.py
@@ -10,5 +10,5 @@ class Settings:
     host: str = "127.0.0.1"
     port: int = 8080
-    debug: bool = False
+    debug: bool = True
     timeout: float = 2.5
     retries: int = 3
"""
QUERY: Final[Json] = {
    "type": "object",
    "properties": {
        "database": {"enum": ["billing-prod", "billing-test"]},
        "query": {"type": "string", "maxLength": 4_000, "description": "One or more statements"},
        "timeout_seconds": {"type": "integer", "minimum": 1},
    },
    "required": ["database", "query"],
}
CALLS: Final[Mapping[str, Json]] = {
    "wire": {
        "tool": "wire_transfer",
        "title": "Wire 1,250,000.00 EUR to Globex GmbH",
        "args": {"amount": 1_250_000, "currency": "EUR", "iban": "DE89370400440532013000", "to": "ap@globex.example"},
        "risk": "critical",
        "reason": "Above 100,000 finance decides",
        "expires_after": "2h",
    },
    "sql": {
        "tool": "run_sql",
        "title": "Run SQL on billing-prod",
        "args": {"database": "billing-prod", "query": SQL, "timeout_seconds": 30},
        "args_schema": QUERY,
        "risk": "high",
        "reason": "It writes to production",
        "expires_after": "9m",
    },
    "hidden": {
        "tool": "fetch",
        "title": "Fetch a page",
        "args": {
            "url": "http://bank.example@xn--pypal-4ve.com:8080/login",
            "save_path": "../reports/invoice_\u202efdp.exe",
            "headers": {"accept": "text/html", "cookies": {"session": "0f9e8d7c6b5a49382716f5", "theme": "dark"}},
        },
        "expires_after": "12h",
    },
    "patch": {
        "tool": "apply_patch",
        "title": "Change 1 file of shop-api",
        "args": {"repository": "https://git.corp.example/shop-api.git", "patch": PATCH},
    },
    "long": {
        "tool": "publish",
        "title": "Publish the release notes of " + "a-name-without-any-place-to-break-it-" * 4,
        "args": {"channel": "#releases", "text": "Everything is faster now. " * 120},
        "risk": "high",
    },
}
QUESTIONS: Final[list[Json]] = [
    {
        "header": "Target",
        "question": "Which environment should I deploy to?",
        "options": [
            {"label": "staging", "description": "Reset every night"},
            {"label": "production", "description": "Customers see it at once"},
        ],
    },
    {
        "header": "Checks",
        "question": "Which checks should run first?",
        "multi_select": True,
        "options": ["unit tests", "browser tests", "load test"],
    },
    {"question": "Anything that I should know?", "allow_text": True},
]
BROKEN: Final = "Order 1001 arrived broken. Refund it and tell the customer."
_TOO_WIDE: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass
class Scene:
    """What has happened before anybody looks.

    Attributes:
        asked: The approvals by name.
        run: A run that waits for a refund.
        turn: A run that waits for three calls of one turn.
    """

    stack: Stack
    asked: dict[str, Json]
    run: Json
    turn: Json

    def states(self) -> dict[str, str]:
        """Returns the address of each state by its name."""
        pages = {
            "inbox": "/inbox",
            "ended": "/inbox?tab=ended",
            "nothing": "/inbox?q=there-is-nothing-like-it",
            "runs": "/runs",
            "run": f"/runs/{self.run['id']}?whole=1",
            "turn": f"/runs/{self.turn['id']}/turns/0",
            "agents": "/agents",
            "agent": '/agents/billing?tool=refund&args={"order_id":1001}',
            "settings": "/settings",
            "missing": "/approvals/00000000000000000000000000000000",
            "edit": f"/approvals/{self.asked['sql']['id']}/edit",
            "json": f"/approvals/{self.asked['sql']['id']}/edit?raw=1",
        }
        return pages | {f"approval {name}": f"/approvals/{one['id']}" for name, one in self.asked.items()}


@pytest.fixture
def scene(stack: Stack) -> Scene:
    """Approvals of every kind, two runs that wait, and some that have ended."""
    asked = {name: stack.ask("", 0, kind="tool_call", **body) for name, body in CALLS.items()}
    asked["question"] = stack.question(*QUESTIONS, title="Where should it go?", allow_skip=True, expires_after="1d")
    said: tuple[tuple[str, str, Json], ...] = (
        ("approved", "approve", {}),
        ("rejected", "reject", {"message": "Ask the customer first:\nthe address is new."}),
        ("edited", "edit", {"args": {"amount": 200, "order": "A-1"}}),
    )
    for name, kind, more in said:
        asked[name] = stack.asked()
        answer = stack.decide(asked[name], kind, user="", gateway=0, **more)
        assert answer.status_code == 200, answer.text
    asked["expired"] = stack.asked(expires_after="1s")
    run = stack.client("", 0).post("/v1/runs", json={"agent": "billing", "input": BROKEN}).json()
    send: list[Any] = [{"tool": "send", "args": {"text": f"Letter {number}"}} for number in range(3)]
    turn = stack.run(send, user="")
    asked["refund"] = stack.pending(run)[0]
    stack.pending(turn, 3)
    for name in ("approved", "rejected", "edited", "expired"):
        stack.outcome(asked[name])
    return Scene(stack, asked, run, turn)


def picture(page: Page, name: str) -> None:
    """Keeps what is seen, where somebody asks for the docs' pictures."""
    if KEPT:
        Path(KEPT).mkdir(parents=True, exist_ok=True)
        page.wait_for_timeout(700)  # so that nothing is dimmed that has just appeared
        page.screenshot(path=Path(KEPT) / f"{name}.png", animations="disabled")


@pytest.mark.timeout(600)
def test_nothing_is_wider_than_the_window(scene: Scene, open_page: Opening) -> None:
    open_page.expects("status of 404")
    wide: list[str] = []
    for width, height in WIDTHS.items():
        page = open_page("/settings", viewport={"width": width, "height": height})
        for name, path in scene.states().items():
            page.goto(path)
            too_wide = page.evaluate(_TOO_WIDE)
            if too_wide > 0:
                wide.append(f"{name} at {width}: {too_wide} px")
    assert not wide


def test_what_is_asked_has_room_at_every_width(scene: Scene, open_page: Opening) -> None:
    page = open_page("/inbox")
    expect(page.locator(f"#row-{scene.asked['wire']['id']}")).to_be_visible()
    for width in (*WIDTHS, 961, 1024, 1201):
        page.set_viewport_size({"width": width, "height": 800})
        narrowest = min(page.locator("td.request").evaluate_all("(cells) => cells.map((cell) => cell.clientWidth)"))
        assert narrowest >= ROOM, f"{narrowest} px at {width}"


@pytest.mark.timeout(300)
def test_the_pictures_of_the_docs(scene: Scene, open_page: Opening) -> None:
    page = open_page("/inbox", viewport={"width": 1280, "height": 800})
    expect(page.locator(f"#row-{scene.asked['wire']['id']}")).to_be_visible()
    picture(page, "inbox")

    page.goto(f"/approvals/{scene.asked['refund']['id']}")
    picture(page, "inbox-call")

    page.goto(f"/approvals/{scene.asked['hidden']['id']}")
    expect(page.get_by_text("is a name to sign in with")).to_be_visible()
    picture(page, "inbox-values")

    page.goto(f"/approvals/{scene.asked['sql']['id']}/edit")
    page.get_by_label("query").fill("SELECT count(*) FROM reminders")
    page.get_by_label("database").select_option(label="billing-test")
    expect(page.locator("#changes tbody tr")).to_have_count(2)
    picture(page, "inbox-edit")

    page.goto(f"/approvals/{scene.asked['question']['id']}")
    page.get_by_label("staging").check()
    picture(page, "inbox-question")

    page.goto(f"/approvals/{scene.asked['wire']['id']}")
    armed(page)
    page.get_by_role("button", name="Approve…").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    picture(page, "inbox-confirm")

    phone = open_page(
        f"/approvals/{scene.asked['sql']['id']}", viewport={"width": 360, "height": 740}, color_scheme="dark"
    )
    picture(phone, "inbox-phone")

    lost = scene.stack.asked()
    page.goto(f"/approvals/{lost['id']}")
    page.get_by_text("Reject…", exact=True).click()
    page.get_by_label("Tell the agent why").fill("The customer has called: the parcel has come after all.")
    scene.stack.decided(lost)
    expect(page.locator("#outcome")).to_contain_text("Approved by Local (api)")
    expect(page.get_by_text("What you had typed")).to_be_visible()
    picture(page, "inbox-lost")
