"""What a page shows of a call's arguments, read back."""

from __future__ import annotations

from playwright.sync_api import Page

from placet.contracts.canonical import canonical_text
from placet_testing.deployment import Json
from placet_testing.hostile import name_of, read_json, shows


def shown_args(page: Page) -> dict[str, str]:
    """Returns each argument as its row shows it."""
    rows = page.locator(".exactly > .values > .value")
    names, values = rows.locator("dt > bdi").all_text_contents(), rows.locator("dd pre.text").all_text_contents()
    return {name_of(name): value for name, value in zip(names, values, strict=True)}


def shows_all(page: Page, args: Json) -> None:
    """Checks that a page shows exactly these arguments, in rows and as JSON."""
    rows = shown_args(page)
    assert set(rows) == set(args)
    assert [name for name, value in args.items() if not shows(rows[name], value)] == []
    raw = page.locator(".exactly details.raw pre").text_content() or ""
    assert canonical_text(read_json(raw)) == canonical_text(args)
