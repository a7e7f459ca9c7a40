"""The ways to use a page: with a mouse, with the keyboard alone, and with a mouse where scripts do not run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from playwright.sync_api import Locator, Page, expect

STEPS: Final = 120
"""Presses of Tab after which something counts as out of reach."""
_HAS_FOCUS: Final = "(element) => element === document.activeElement"
_SAME_GROUP: Final = """(element) => {
  const focused = document.activeElement;
  return focused?.type === 'radio' && focused.name === element.name && focused.form === element.form;
}"""
_BURIED: Final = """() => {
  const focused = document.activeElement;
  if (!focused || focused === document.body || focused === document.documentElement) return null;
  const box = focused.getBoundingClientRect();
  const [left, right] = [Math.max(box.left, 0), Math.min(box.right, innerWidth)];
  const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
  for (const across of [0.02, 0.25, 0.5, 0.75, 0.98])
    for (const down of [0.02, 0.25, 0.5, 0.75, 0.98]) {
      const at = document.elementFromPoint(left + (right - left) * across, top + (bottom - top) * down);
      if (at && (focused.contains(at) || at.contains(focused) && !at.closest('.bar')) ) return null;
    }
  return focused.outerHTML.slice(0, 200);
}"""


class Hands(Protocol):
    """Somebody's way to use a page."""

    @property
    def scripts(self) -> bool:
        """Whether the page's scripts run."""
        ...

    def press(self, what: Locator) -> None:
        """Presses a button, follows a link, unfolds a summary."""
        ...

    def choose(self, what: Locator) -> None:
        """Checks a box or chooses an option."""
        ...

    def write(self, where: Locator, text: str) -> None:
        """Types a text in place of what stands there."""
        ...


@dataclass(frozen=True)
class Mouse:
    """A mouse, and a keyboard for texts."""

    scripts: bool = True

    def press(self, what: Locator) -> None:
        armed(what.page, scripts=self.scripts)
        what.click()

    def choose(self, what: Locator) -> None:
        what.check()

    def write(self, where: Locator, text: str) -> None:
        where.click()
        where.fill(text)


@dataclass(frozen=True)
class Keyboard:
    """Tab, the arrows, Enter, the space bar and letters; on the way nothing that has the focus is covered."""

    scripts: bool = True

    def press(self, what: Locator) -> None:
        reach(what)
        armed(what.page)
        what.page.keyboard.press("Enter")

    def choose(self, what: Locator) -> None:
        if what.get_attribute("type") != "radio":
            reach(what)
            what.page.keyboard.press("Space")
        else:
            reach(what, _SAME_GROUP)
            what.page.keyboard.press("Space")
            for _ in range(STEPS):
                if what.is_checked():
                    break
                what.page.keyboard.press("ArrowDown")
        expect(what).to_be_checked()

    def write(self, where: Locator, text: str) -> None:
        reach(where)
        where.page.keyboard.press("ControlOrMeta+a")
        where.page.keyboard.insert_text(text)


def reach(what: Locator, there: str = _HAS_FOCUS) -> None:
    """Presses Tab until something has the focus; whatever has it on the way must be seen.

    Raises:
        AssertionError: It is out of reach, or the focus was somewhere that is covered.
    """
    page = what.page
    expect(what).to_be_attached()
    for _ in range(STEPS):
        if what.evaluate(there):
            return
        page.keyboard.press("Tab")
        buried = covered(page)
        assert buried is None, f"the focus is covered: {buried}"
    message = f"Tab does not reach {what}"
    raise AssertionError(message)


def covered(page: Page) -> str | None:
    """Returns what has the focus where none of it can be seen; None where it can."""
    return page.evaluate(_BURIED)


def armed(page: Page, *, scripts: bool = True) -> None:
    """Waits until the controls that have just appeared may be used."""
    if scripts:
        expect(page.locator("html[data-ready]")).to_be_attached()
    expect(page.locator("[data-disarmed]")).to_have_count(0)


MOUSE: Final = Mouse()
KEYBOARD: Final = Keyboard()
NO_SCRIPTS: Final = Mouse(scripts=False)
WAYS: Final[dict[str, Hands]] = {"mouse": MOUSE, "keyboard": KEYBOARD, "no scripts": NO_SCRIPTS}
