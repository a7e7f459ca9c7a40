"""The numbered menu: a choice takes a key that was pressed after the menu could be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placet.cli._terminal import Bell, Terminal

QUIT: Final = "quit"
READ: Final = "read"
HELP: Final = "help"
_EXTRA: Final = {"q": QUIT, "b": READ, "?": HELP}


@dataclass(frozen=True)
class Item:
    """One line of the menu: what it does, the letter that does it, what it says."""

    action: str
    letter: str
    label: str


def choose(terminal: Terminal, items: Sequence[Item], bell: Bell, width: int) -> str:
    """Returns the action that the person chooses; the last item is where the cursor starts and decides nothing.

    Args:
        terminal: Where to ask.
        items: At most nine; the last one leaves everything as it is.
        bell: What ends the question from outside.
        width: Columns, so that no line is broken.

    Raises:
        RungError: The bell rang first.
    """
    if terminal.plain:
        return _by_line(terminal, items, bell)
    with terminal.keys():
        return _by_key(terminal, items, bell, width)


def _by_key(terminal: Terminal, items: Sequence[Item], bell: Bell, width: int) -> str:
    cursor = len(items) - 1
    terminal.write(_drawn(items, cursor, width))
    terminal.settle(bell)
    while True:
        key = terminal.key(bell)
        action = _action(items, key)
        if key == "enter":
            action = items[cursor].action
        elif key in {"escape", "end"}:
            action = items[-1].action
        if action is not None:
            terminal.write("\n")
            return action
        if key in {"up", "down"}:
            cursor = (cursor + (1 if key == "down" else -1)) % len(items)
            terminal.write(f"\r\x1b[{len(items)}A\x1b[J{_drawn(items, cursor, width)}")


def _by_line(terminal: Terminal, items: Sequence[Item], bell: Bell) -> str:
    for number, item in enumerate(items, 1):
        terminal.write(f"{number}) {item.label}\n")
    terminal.write(f"Type 1 to {len(items)} and Enter; Enter alone: {items[-1].label}; ? help, q quit.\n")
    terminal.settle(bell)
    while True:
        typed = terminal.line("Choose: ", bell)
        word = (typed or "").strip().lower()
        if not word or word == "\x1b":
            return items[-1].action
        action = _action(items, word)
        if action is not None:
            return action
        terminal.write("There is no such choice.\n")


def _action(items: Sequence[Item], key: str) -> str | None:
    if key.isdecimal():
        number = int(key)
        return items[number - 1].action if 1 <= number <= len(items) else None
    letters = {item.letter: item.action for item in items}
    return letters.get(key) or _EXTRA.get(key)


def _drawn(items: Sequence[Item], cursor: int, width: int) -> str:
    lines = [
        f"{'>' if place == cursor else ' '} {place + 1}) {item.label} ({item.letter})"
        for place, item in enumerate(items)
    ]
    asked = f"choose [1-{len(items)}], arrows + Enter, ? help, q quit > "
    return "\n".join(line[: width - 1] for line in [*lines, asked])
