"""How much of a stream a client has, as the id of an event: who comes back with it goes on behind that event.

Nothing of it is kept anywhere, so any gateway goes on where another one broke off. A conversation only grows, but for
the results of its open calls, which come in any order: so an id counts what is settled, and names what is not.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from placet.langgraph_api.messages import is_closing_word

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_ID: Final = re.compile(
    r"(\d{1,16})-([a-z]{1,4})-([0-9a-f]{8})-([0-9a-f]{8})-([0-9a-f]{8})(\d)-(\d{1,6})((?:-[0-9a-f]{8})*)"
)
MODES: Final = {"messages": "m", "messages-tuple": "t", "updates": "u", "values": "v"}
"""What can be streamed, each with the letter that names it in an id: clients that come back do not say it again."""
LONGEST: Final = 8_000
"""Characters of an id, at most: a turn of hundreds of calls that have their results, and one that has none."""
NOTHING: Final = "0" * 8
"""In place of a mark: nothing of the kind was sent."""


@dataclass(frozen=True)
class Bookmark:
    """A place in a stream.

    Attributes:
        modes: What is streamed.
        state: Stands for the state that was sent last.
        asked: Stands for the interrupt that was told by itself last.
        begun: Stands for the message of which not every event was sent.
        part: How many were.
        settled: How many messages of the settled part of the conversation the client has.
        loose: Marks of the messages behind it that the client has.
    """

    modes: frozenset[str]
    state: str = NOTHING
    asked: str = NOTHING
    begun: str = NOTHING
    part: int = 0
    settled: int = 0
    loose: frozenset[str] = frozenset()

    @staticmethod
    def read(event_id: str | None) -> Bookmark | None:
        """Returns the place that an id names; None where it is not one of ours."""
        found = _ID.fullmatch(event_id or "")
        if found is None:
            return None
        _, letters, state, asked, begun, part, settled, loose = found.groups()
        modes = frozenset(mode for mode, letter in MODES.items() if letter in letters)
        return Bookmark(modes, state, asked, begun, int(part), int(settled), frozenset(loose.split("-")[1:]))

    def moved(self, messages: Sequence[dict[str, Any]], known: Collection[str]) -> Bookmark:
        """Returns the place of a client that knows these messages of a conversation, and the same of the rest."""
        settled = _settled(messages)
        count = next((place for place, one in enumerate(messages[:settled]) if _id(one) not in known), settled)
        loose = frozenset(mark_of(_id(one)) for one in messages[count:] if _id(one) in known)
        return replace(self, settled=count, loose=loose)

    def id(self, position: int) -> str:
        """Returns it as the id of an event; ids of one stream never become smaller."""
        letters = "".join(letter for mode, letter in MODES.items() if mode in self.modes)
        begun = f"{self.begun}{self.part}"
        return "-".join((str(position), letters, self.state, self.asked, begun, str(self.settled), *sorted(self.loose)))

    def known(self, messages: Sequence[dict[str, Any]]) -> set[str]:
        """Returns the ids of those messages that the client has."""
        first = min(self.settled, _settled(messages))
        behind = {_id(one) for one in messages[first:] if mark_of(_id(one)) in self.loose}
        return {_id(one) for one in messages[:first]} | behind


def mark_of(text: str | bytes) -> str:
    """Returns a few characters that stand for a text."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:8]


def _id(message: dict[str, Any]) -> str:
    return str(message.get("id"))


def _settled(messages: Sequence[dict[str, Any]]) -> int:
    """Returns how many messages stay where they are: all but the results that come last, and our own last word."""
    count = len(messages)
    while count and (messages[count - 1]["type"] == "tool" or is_closing_word(messages[count - 1])):
        count -= 1
    return count
