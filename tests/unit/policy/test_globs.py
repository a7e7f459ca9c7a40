"""A glob: only `*` is special, the whole name is matched, case counts, and the time is linear."""

from __future__ import annotations

import re
from typing import Self, SupportsIndex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placet.policy import matches

METACHARACTERS = "?[]{}()^$.|+\\!-,~#&\n\t /@%"


@pytest.mark.parametrize(
    ("glob", "name"),
    [
        ("refund", "refund"),
        ("*", ""),
        ("*", "anything"),
        ("**", ""),
        ("find_*", "find_"),
        ("find_*", "find_orders"),
        ("*_customer", "delete_customer"),
        ("a*b*c", "abc"),
        ("a*b*c", "a__b__b__c"),
        ("*aa*aa*", "aaaa"),
        ("*ab", "aab"),
        ("é*", "été"),
    ],
)
def test_matches(glob: str, name: str) -> None:
    assert matches(glob, name)


@pytest.mark.parametrize(
    ("glob", "name"),
    [
        ("refund", "Refund"),
        ("refund", "refund "),
        ("refund", "refunds"),
        ("refund", "a refund"),
        ("refund", "refund\n"),
        ("", "x"),
        ("find_*", "xfind_orders"),
        ("*_customer", "delete_customers"),
        ("a*a", "a"),
        ("ab*ba", "aba"),
        ("a*b*c", "acb"),
        ("*aa*aa*", "aaa"),
        ("e\u0301", "\u00e9"),
        ("find?", "finds"),
        ("[ab]", "a"),
        ("a|b", "a"),
        (".*", "anything"),
    ],
)
def test_does_not_match(glob: str, name: str) -> None:
    assert not matches(glob, name)


@given(text=st.text(alphabet=st.characters(exclude_characters="*")), other=st.text())
def test_a_glob_without_a_star_matches_itself_and_nothing_else(text: str, other: str) -> None:
    assert matches(text, text)
    assert matches(text, other) == (text == other)


@pytest.mark.parametrize("character", METACHARACTERS)
def test_a_metacharacter_of_other_languages_is_itself(character: str) -> None:
    for name in ("", "a", "ab", "-", "\\", "x"):
        assert not matches(character, name) or character == name
    assert matches(f"a{character}b*", f"a{character}bc")
    assert not matches(f"a{character}b*", "abc")
    assert not matches(f"a{character}b*", "aXbc")


_few = st.text(alphabet="ab*.[]", max_size=12)


@given(glob=_few, name=st.text(alphabet="ab.[]\n", max_size=12))
def test_it_agrees_with_the_regular_expression_of_the_same_meaning(glob: str, name: str) -> None:
    same = re.compile(".*".join(map(re.escape, glob.split("*"))), re.DOTALL)
    assert matches(glob, name) == (same.fullmatch(name) is not None)


class Counted(str):
    """A text that counts how many of its characters a search has passed."""

    __slots__ = ("passed",)
    passed: int

    def __new__(cls, text: str) -> Self:
        made = super().__new__(cls, text)
        made.passed = 0
        return made

    def find(self, sub: str, start: SupportsIndex | None = None, end: SupportsIndex | None = None, /) -> int:
        found = super().find(sub, start, end)
        first = 0 if start is None else start.__index__()
        last = len(self) if end is None else end.__index__()
        self.passed += (found + len(sub) if found >= 0 else last) - first
        return found


@pytest.mark.parametrize("piece", ["a", "aa", "ab", "aaab"])
@pytest.mark.parametrize("end", ["", "b", "ab"])
def test_thirty_stars_pass_each_of_five_thousand_characters_at_most_once(piece: str, end: str) -> None:
    """What makes other matchers take minutes: each star tries every place that the next one tries too."""
    name = Counted("a" * 5_000)
    matches("*" + f"{piece}*" * 29 + end, name)
    assert name.passed <= 5_000
    assert matches("*a" * 30 + "*", Counted("a" * 5_000))


@given(pieces=st.lists(st.text(alphabet="ab", max_size=4), max_size=31), name=st.text(alphabet="ab", max_size=300))
def test_no_glob_passes_a_character_twice(pieces: list[str], name: str) -> None:
    counted = Counted(name)
    matches("*".join(pieces), counted)
    assert counted.passed <= len(name)
