r"""Text in which nothing hides: what does not show, or moves what does, becomes a visible escape.

An argument may carry a terminal's escape sequence, a character that turns the reading direction round, or one that has
no width. Whoever shows arguments to a person passes them through here first; `\x1b` and `\u202e` are then what is seen.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Unicode categories: controls, formats (bidi, zero width, tags), unassigned, private, surrogates, separators."""
_BLANK_LETTERS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters, marks and symbols by category that have no ink."""
_VARIATION_SELECTORS: Final = ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
_NAMED: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
_ORDINARY: Final = "\n\t"
_CONFUSABLE_SCRIPTS: Final = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC"})
_WORD: Final = re.compile(r"[^\W\d_]+")


def unseen(character: str) -> bool:
    """Whether the character does not show, or acts on what does; the plain space shows."""
    if character.isascii():
        return not character.isprintable()
    category = unicodedata.category(character)
    return (
        category in _UNSEEN
        or category == "Zs"
        or character in _BLANK_LETTERS
        or any(first <= ord(character) <= last for first, last in _VARIATION_SELECTORS)
    )


def escape(character: str) -> str:
    r"""Returns the visible form: `\n`, `\x1b`, `\u202e`, `\U000e0041`."""
    code = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    if code <= 0xFF:  # noqa: PLR2004 - two hexadecimal digits
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - four of them


def one_line(text: str) -> str:
    """Returns the text on one line with everything unseen escaped."""
    return _escaped(text, unseen)


def lines(text: str) -> tuple[str, ...]:
    """Returns the text's lines with everything unseen escaped but for the line feeds; a tab is four spaces."""
    shown = _escaped(text.replace("\t", "    "), lambda character: character != "\n" and unseen(character))
    return tuple(shown.split("\n"))


def quoted(text: str) -> str:
    """Returns the text on one line in quotation marks: an escape that we made differs from one that was typed."""
    return '"' + one_line(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def hidden_characters(text: str) -> int:
    """Returns how many characters of the text do not show; line feeds and tabs are not counted."""
    if text.isascii() and text.isprintable():
        return 0
    return sum(1 for character in text if character not in _ORDINARY and unseen(character))


def mixed_words(text: str) -> tuple[str, ...]:
    """Returns the words that mix scripts whose letters look alike, as a Cyrillic a in a Latin word."""
    if text.isascii():
        return ()
    return tuple(dict.fromkeys(word for word in _WORD.findall(text) if len(_scripts(word)) > 1))


def mixture(word: str) -> str:
    """Returns a word that mixes scripts with the letters that are not of its first one, named: they look alike."""
    script = next((one for one in map(_script, word) if one in _CONFUSABLE_SCRIPTS), "")
    others = dict.fromkeys(letter for letter in word if _script(letter) in _CONFUSABLE_SCRIPTS - {script})
    named = ", ".join(f"{letter} is {_script(letter).capitalize()}" for letter in others)
    return one_line(f"{word} ({named})")


def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").split()[0]


def _scripts(word: str) -> frozenset[str]:
    return frozenset(map(_script, word)) & _CONFUSABLE_SCRIPTS


def _escaped(text: str, wanted: Callable[[str], bool]) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(escape(character) if wanted(character) else character for character in text)
