"""Nothing hides in text that is shown."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placet.cards.visible import escape, hidden_characters, lines, mixed_words, one_line, quoted, unseen


@pytest.mark.parametrize(
    ("character", "shown"),
    [
        ("\x1b", "\\x1b"),
        ("\x9b", "\\x9b"),
        ("\x00", "\\x00"),
        ("\x7f", "\\x7f"),
        ("\r", "\\r"),
        ("\xa0", "\\xa0"),
        ("\xad", "\\xad"),
        ("\u200b", "\\u200b"),
        ("\u202e", "\\u202e"),
        ("\u2066", "\\u2066"),
        ("\u2028", "\\u2028"),
        ("\ufeff", "\\ufeff"),
        ("\u3164", "\\u3164"),
        ("\u2800", "\\u2800"),
        ("\ufe0f", "\\ufe0f"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\U000e0100", "\\U000e0100"),
    ],
)
def test_what_does_not_show_or_moves_what_does_is_escaped(character: str, shown: str) -> None:
    assert one_line(f"a{character}b") == f"a{shown}b"
    assert hidden_characters(f"a{character}b") == 1


@pytest.mark.parametrize("text", ["plain", "üñí", "日本語", "🙂", "a b", "[bold]x[/]", "\\x1b"])
def test_what_shows_stays(text: str) -> None:
    assert one_line(text) == text
    assert hidden_characters(text) == 0


@given(st.text())
def test_one_line_is_one_line_in_which_everything_shows(text: str) -> None:
    shown = one_line(text)
    assert not any(unseen(character) for character in shown)
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Cs"} for character in shown)


@given(st.text())
def test_lines_are_those_of_the_text(text: str) -> None:
    shown = lines(text)
    assert len(shown) == text.count("\n") + 1
    assert all(one_line(line) == line for line in shown)


@given(st.text(), st.text())
def test_two_texts_are_never_quoted_alike(one: str, other: str) -> None:
    """An escape that we made is told from one that was typed."""
    assert (quoted(one) == quoted(other)) == (one == other)


def test_a_typed_escape_is_told_from_a_made_one() -> None:
    assert quoted("\\x1b") == '"\\\\x1b"'
    assert quoted("\x1b") == '"\\x1b"'
    assert escape("\n") == "\\n"


def test_words_of_two_alphabets_are_found() -> None:
    assert mixed_words("pay p\u0430ypal now") == ("p\u0430ypal",)
    assert mixed_words("привет hello ελλάδα") == ()
    assert mixed_words("日本語hello") == ()
