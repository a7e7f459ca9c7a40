"""A text as pieces, each with what is known of it; put together they are the text as it is shown, nothing left out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final, Literal

from placet.cards.visible import escape, unseen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Sort = Literal["", "escape", "host", "word", "string", "comment", "operator", "added", "removed", "part"]
"""What a piece is: `escape` stands for a character that does not show, the others are for the eye."""

_TAB: Final = "    "


@dataclass(frozen=True)
class Mark:
    """A part of a text, from `start` to before `end`, and what it is."""

    start: int
    end: int
    sort: Sort


@dataclass(frozen=True)
class Piece:
    """Some of a line, safe to print."""

    text: str
    sort: Sort = ""


Line = tuple[Piece, ...]


def in_quotes(text: str, marks: Sequence[Mark] = ()) -> tuple[Line, ...]:
    """Returns a text on one line in quotation marks: an escape of ours differs from one that was typed."""
    return ((Piece('"'), *_pieces(text, 0, len(text), marks, quoted=True), Piece('"')),)


def as_lines(text: str, marks: Sequence[Mark] = ()) -> tuple[Line, ...]:
    """Returns a text line by line, as it stands."""
    drawn: list[Line] = []
    start = 0
    for line in text.split("\n"):
        drawn.append(tuple(_pieces(text, start, start + len(line), marks, quoted=False)))
        start += len(line) + 1
    return tuple(drawn)


def plain(lines: Sequence[str]) -> tuple[Line, ...]:
    """Returns lines that are safe to print already, each in one piece."""
    return tuple((Piece(line),) for line in lines)


def written(lines: Sequence[Line]) -> tuple[str, ...]:
    """Returns the lines as text."""
    return tuple("".join(piece.text for piece in line) for line in lines)


def _pieces(text: str, start: int, end: int, marks: Sequence[Mark], *, quoted: bool) -> Iterator[Piece]:
    here = start
    for mark in marks:
        first, last = max(mark.start, here), min(mark.end, end)
        if first >= last:
            continue
        yield from _shown(text[here:first], "", quoted=quoted)
        yield from _shown(text[first:last], mark.sort, quoted=quoted)
        here = last
    yield from _shown(text[here:end], "", quoted=quoted)


def _shown(text: str, sort: Sort, *, quoted: bool) -> Iterator[Piece]:
    if not text:
        return
    if text.isascii() and text.isprintable():
        yield Piece(_in_quotes(text) if quoted else text, sort)
        return
    kept = "" if quoted else "\t"
    for hidden, group in groupby(text, lambda character: character not in kept and unseen(character)):
        if hidden:
            yield from (Piece(escape(character), "escape") for character in group)
        else:
            run = "".join(group)
            yield Piece(_in_quotes(run) if quoted else run.replace("\t", _TAB), sort)


def _in_quotes(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
