"""Signing in as people do: at the form of the gateway, and at a certified identity provider on another site."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import yaml
from playwright.sync_api import Page, expect

from placet.engine.ports import free_port
from placet_testing.browser.hands import MOUSE, Hands
from placet_testing.browser.stack import PASSWORD, Stack
from placet_testing.deployment import Json
from placet_testing.oidc.panva import SECRET, SECRET_VARIABLE, Panva, running_panva

ABROAD: Final = 2
"""The gateway where everybody signs in at the provider."""
_ANOTHER_SITE: Final = "127.0.0.2"


@dataclass(frozen=True)
class Abroad:
    """A provider, and the gateway of a stack that knows people by it."""

    stack: Stack
    panva: Panva

    def sign_in(self, page: Page, login: str) -> None:
        """Types a name and a password at the provider, and agrees to whatever it asks."""
        page.locator("input[name=login]").fill(login)
        page.locator("input[name=password]").fill("any")
        page.get_by_role("button", name="Sign-in").click()
        page.wait_for_url(lambda url: not url.startswith(f"{self.panva.url}/auth/"))
        self.agree(page)

    def agree(self, page: Page) -> None:
        """Says yes where the provider asks whether the gateway may know who it is."""
        while page.url.startswith(f"{self.panva.url}/interaction/"):
            before = page.url
            page.get_by_role("button", name="Continue").click()
            page.wait_for_url(lambda url, before=before: url != before)

    def later(self, passed: timedelta) -> None:
        """Lets time pass for everybody who has signed in, at the provider and here; nothing else grows older."""
        self.panva.age(passed)
        micros = int(passed.total_seconds() * 1_000_000)
        with closing(sqlite3.connect(self.stack.ledger_file, timeout=30)) as ledger, ledger:
            ledger.execute("UPDATE sessions SET authenticated_at = authenticated_at - ?", (micros,))


@contextmanager
def abroad(stack: Stack, users: Json | None = None) -> Generator[Abroad]:
    """Starts the provider and a third gateway of the stack, and ends both.

    Args:
        stack: Up.
        users: People that its `placet.yaml` knows besides.
    """
    port = free_port()
    with running_panva(free_port(), [f"http://127.0.0.1:{port}"], host=_ANOTHER_SITE) as panva:
        config = _config(stack, panva, users or {})
        stack.leads["gateway"] = {"PLACET_CONFIG": str(config), SECRET_VARIABLE: SECRET}
        part = stack.start_gateway(port)
        try:
            stack.up(workers=1, gateways=len(stack.gateways))
            yield Abroad(stack, panva)
        finally:
            part.kill()
            stack.gateways.remove(part)


def type_password(page: Page, user: str, password: str = PASSWORD, hands: Hands = MOUSE) -> None:
    """Signs in at the gateway's own form."""
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    hands.write(page.get_by_label("Name"), user)
    hands.write(page.get_by_label("Password"), password)
    hands.press(page.get_by_role("button", name="Sign in"))


def _config(stack: Stack, panva: Panva, users: Json) -> Path:
    given = yaml.safe_load(stack.config.read_text("utf-8"))
    given["people"]["users"] |= users
    given["people"]["sign_in"] = {"oidc": panva.oidc().model_dump(mode="json", exclude_defaults=True)}
    path = stack.desk / "provider.yaml"
    path.write_text(yaml.safe_dump(given, sort_keys=False), encoding="utf-8")
    return path
