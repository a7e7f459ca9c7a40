"""Schemas of MCP servers: an argument that the server would drop is refused, and nothing that it takes is."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from placet.agents._schemas import ArgsSchema
from placet.agents.mcp.schemas import closed_where_silent

ADDRESS: dict[str, Any] = {"type": "object", "properties": {"street": {"type": "string"}}, "required": ["street"]}
OPTIONAL: dict[str, Any] = {"anyOf": [{"$ref": "#/$defs/Address"}, {"type": "null"}], "default": None}


def fits(schema: dict[str, Any], args: dict[str, Any]) -> bool:
    return not ArgsSchema(closed_where_silent(schema)).misfits(args)


def test_a_silent_schema_takes_what_it_names_and_nothing_else() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"text": {"type": "string"}}}
    assert fits(schema, {"text": "a"})
    assert not fits(schema, {"text": "a", "dry_run": True})
    assert not fits({}, {"text": "a"})
    assert fits({}, {})


@pytest.mark.parametrize("said", [True, {"type": "string"}])
def test_a_schema_that_takes_anything_still_does(said: object) -> None:
    assert fits({"properties": {"text": {}}, "additionalProperties": said}, {"text": 1, "more": "a"})


def test_objects_inside_are_closed_wherever_they_stand() -> None:
    schema: dict[str, Any] = {
        "properties": {
            "to": ADDRESS,
            "all": {"type": "array", "items": ADDRESS},
            "pair": {"prefixItems": [ADDRESS]},
            "by_name": {"additionalProperties": ADDRESS},
            "optional": OPTIONAL,
            "either": {"oneOf": [ADDRESS, {"type": "string"}]},
        },
        "$defs": {"Address": ADDRESS},
    }
    good, bad = {"street": "a"}, {"street": "a", "town": "b"}
    for one, fine in ((good, True), (bad, False)):
        shaped = {"to": one, "all": [one], "pair": [one], "by_name": {"home": one}, "optional": one, "either": one}
        for name, value in shaped.items():
            assert fits(schema, {name: value}) is fine, name
    assert fits(schema, {"optional": None, "either": "a"})


def test_an_object_that_names_nothing_holds_anything() -> None:
    assert fits({"properties": {"extra": {"type": "object"}}}, {"extra": {"a": None}})


def test_what_holds_together_with_something_else_is_not_closed_alone() -> None:
    named: dict[str, Any] = {"properties": {"name": {"type": "string"}}, "required": ["name"]}
    schema: dict[str, Any] = {
        "properties": {
            "person": {"allOf": [named, {"$ref": "#/$defs/Address"}]},
            "either": {"properties": {"kind": {}}, "oneOf": [named, ADDRESS]},
        },
        "$defs": {"Address": ADDRESS},
    }
    assert fits(schema, {"person": {"name": "a", "street": "b"}})
    assert fits(schema, {"either": {"kind": 1, "street": "b"}})


def test_alternatives_at_the_top_are_closed_as_one() -> None:
    schema: dict[str, Any] = {
        "properties": {"kind": {}},
        "oneOf": [ADDRESS, {"required": ["name"], "properties": {"name": {}}}],
    }
    assert fits(schema, {"kind": 1, "street": "a"})
    assert not fits(schema, {"kind": 1, "street": "a", "town": "b"})
    old: dict[str, Any] = {"$schema": "http://json-schema.org/draft-07/schema#", **schema}
    assert fits(old, {"kind": 1, "street": "a", "town": "b"}), "its dialect has no word for that"


def test_the_server_s_own_schema_is_left_as_it_is() -> None:
    schema: dict[str, Any] = {"properties": {"to": deepcopy(ADDRESS)}}
    before = deepcopy(schema)
    closed_where_silent(schema)
    assert schema == before


def test_a_property_may_have_the_name_of_a_keyword() -> None:
    schema: dict[str, Any] = {
        "properties": {"properties": {"type": "string"}, "items": {"type": "integer"}, "$ref": {"type": "string"}}
    }
    assert fits(schema, {"properties": "a", "items": 1, "$ref": "b"})
    assert not fits(schema, {"properties": 1})
