"""Edited arguments get the types that they are meant to have, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from placet.langgraph_api.answers.edits import echoes, typed

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "count": {"type": "integer"},
        "amount": {"type": "number"},
        "urgent": {"type": "boolean"},
        "lines": {"type": "array", "items": {"type": "object"}},
        "address": {"type": "object"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "pair": {"type": ["integer", "string"]},
        "open": {},
    },
}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("text", "7", "7"),
        ("text", "true", "true"),
        ("count", "7", 7),
        ("count", " 7 ", 7),
        ("count", "9007199254740993", 9007199254740993),
        ("count", "seven", "seven"),
        ("count", "", ""),
        ("amount", "150.5", 150.5),
        ("amount", "1e999", "1e999"),
        ("urgent", "True", True),
        ("urgent", "false", False),
        ("urgent", "1", "1"),
        ("lines", '[{"a": 1}]', [{"a": 1}]),
        ("lines", '{"a": 1}', '{"a": 1}'),
        ("address", '{"street": "x"}', {"street": "x"}),
        ("address", '{"a": 1, "a": 2}', '{"a": 1, "a": 2}'),
        ("note", "null", "null"),
        ("limit", "null", None),
        ("limit", "5", 5),
        ("pair", "5", "5"),
        ("open", "5", "5"),
    ],
)
def test_text_becomes_what_the_schema_says_or_stays(name: str, text: str, value: object) -> None:
    found = typed({name: text}, {}, SCHEMA)[name]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("shown", "text", "value"), [(1, "2", 2), (1.5, "2", 2), (True, "false", False), ([1], "[2]", [2]), ("1", "2", "2")]
)
def test_without_a_schema_what_was_shown_says_the_type(shown: object, text: str, value: object) -> None:
    assert typed({"x": text}, {"x": shown}, None) == {"x": value}
    assert typed({"x": text}, {}, None) == {"x": text}


def test_an_integer_that_javascript_cannot_hold_is_the_one_that_was_shown() -> None:
    large = 2**53 + 1
    shown = {"order": large, "deep": {"ids": [large, 5]}, "small": 3}
    came = {"order": float(large), "deep": {"ids": [2**53, 6]}, "small": 4}
    assert typed(came, shown, None) == {"order": large, "deep": {"ids": [large, 6]}, "small": 4}
    assert typed({"order": large + 5}, shown, None) == {"order": large + 5}


def test_an_echo_is_what_was_shown_also_as_text() -> None:
    shown = {"count": 7, "urgent": True, "text": "x"}
    assert echoes({"count": "7", "urgent": "true", "text": "x"}, shown, SCHEMA)
    assert not echoes({"count": "8", "urgent": "true", "text": "x"}, shown, SCHEMA)
    assert not echoes({"count": "7"}, shown, SCHEMA)
    assert not echoes({}, shown, SCHEMA)
