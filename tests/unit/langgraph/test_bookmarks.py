"""A place in a stream, as the id of an event: what is known at one time is known later, and nothing else."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from placet.langgraph_api.runs.bookmarks import Bookmark

VALUES = frozenset({"values"})


def said(kind: str, name: str) -> dict[str, Any]:
    return {"type": kind, "id": name}


CALLS = ("r0", "r1", "r2")
"""Results of the open turn, in the order of their calls; they come in any."""


def conversation(results: set[str]) -> list[dict[str, Any]]:
    return [said("human", "h"), said("ai", "a"), *(said("tool", one) for one in CALLS if one in results)]


@given(st.sets(st.sampled_from(CALLS)), st.sets(st.sampled_from(CALLS)), st.booleans())
def test_results_that_come_between_are_news_and_those_that_were_told_are_not(
    before: set[str],
    meanwhile: set[str],
    goes_on: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    told = {"h", "a", *before}
    mark = Bookmark(VALUES).moved(conversation(before), told).id(17)
    later = conversation(set(CALLS) if goes_on else before | meanwhile)
    later += [said("ai", "b"), said("tool", "r3")] if goes_on else []
    read = Bookmark.read(mark)
    assert read is not None
    assert read.known(later) == told


def test_in_the_middle_of_a_moment_only_what_was_told_is_known() -> None:
    now = conversation(set(CALLS))
    for count in range(len(now) + 1):
        told = {one["id"] for one in now[:count]}
        read = Bookmark.read(Bookmark(VALUES).moved(now, told).id(1))
        assert read is not None
        assert read.known(now) == told


def test_our_last_word_on_a_run_counts_for_nothing_once_there_is_another_run() -> None:
    ended = [said("human", "h"), said("ai", "run-1-end")]
    read = Bookmark.read(Bookmark(VALUES).moved(ended, {"h", "run-1-end"}).id(1))
    assert read is not None
    assert read.known([said("human", "h"), said("human", "h2"), said("ai", "a")]) == {"h"}
    assert read.known(ended) == {"h", "run-1-end"}


@given(st.text(max_size=60))
def test_what_is_no_place_of_ours_is_none(text: str) -> None:
    assert Bookmark.read(text) is None or text.count("-") >= 4


def test_it_is_written_as_it_was_read() -> None:
    modes = frozenset({"values", "updates", "messages-tuple", "messages"})
    place = Bookmark(modes, "0a0a0a0a", "0b0b0b0b", "0d0d0d0d", 2, 3, frozenset({"0c0c0c0c"}))
    assert Bookmark.read(place.id(12)) == place
    for none in (None, "", "-1", "0", "12-v", place.id(12) + "-", place.id(12).upper(), "x" * 9_000):
        assert Bookmark.read(none) is None
