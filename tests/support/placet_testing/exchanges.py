"""Answers held against what a file says of them: what it names must be there, the rest may be anything."""

from __future__ import annotations

import json
from typing import Any, cast

from httpx import Response

ANY = "*"
"""As a name any one key, as a value anything."""


def check(wanted: Any, given: Any, place: str = "") -> None:
    """Asserts that a JSON value holds all that is wanted of it; an empty object is wanted to be empty."""
    if wanted == ANY:
        return
    if isinstance(wanted, dict):
        members = cast("dict[str, Any]", wanted)
        assert isinstance(given, dict), place
        there = cast("dict[str, Any]", given)
        if ANY in members:
            (there,) = ({ANY: value} for value in there.values())
        assert members or not there, place
        for name, value in members.items():
            assert name in there, f"{place}/{name}"
            check(value, there[name], f"{place}/{name}")
    elif isinstance(wanted, list):
        items = cast("list[Any]", wanted)
        assert len(items) == len(given), place
        for number, (one, other) in enumerate(zip(items, given, strict=True)):
            check(one, other, f"{place}/{number}")
    else:
        assert given == wanted, place


def check_answer(wanted: dict[str, Any], answer: Response, place: str) -> None:
    """Asserts that an answer has the status, and the body or the events, that are wanted of it."""
    assert answer.status_code == wanted["status"], (place, answer.text)
    if "body" in wanted:
        check(wanted["body"], answer.json(), place)
        return
    events = events_of(answer.text)
    assert events[-1] == ("end", None), "older clients cannot read an end without data"
    if "events" in wanted:
        assert [name for name, _ in events] == wanted["events"], place
    for name, value in wanted.get("last", {}).items():
        check(value, [data for event, data in events if event == name][-1], f"{place}/{name}")


def events_of(text: str) -> list[tuple[str, Any]]:
    """Returns the events of a stream that has ended, each with its data."""
    found: list[tuple[str, Any]] = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found
