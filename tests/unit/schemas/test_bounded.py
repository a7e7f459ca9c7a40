"""A JSON Schema from anybody: what it says is checked, and no check goes on for ever."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from placet.schemas import BoundedSchema, NoSchemaError, UncheckableError

LADDER: Final = 40


def ladder(keyword: str) -> dict[str, Any]:
    """A schema of forty rungs, each of which asks the next one twice: 2^40 checks."""
    rungs: dict[str, Any] = {f"r{at}": {keyword: [{"$ref": f"#/$defs/r{at + 1}"}] * 2} for at in range(LADDER)}
    return {"$defs": {**rungs, f"r{LADDER}": {"not": {}}}, "$ref": "#/$defs/r0"}


ENDLESS: Final[dict[str, tuple[dict[str, Any], Any]]] = {
    "any of twice, forty times": (ladder("anyOf"), {}),
    "one of twice, forty times": (ladder("oneOf"), {}),
    "a reference to itself": ({"$ref": "#"}, {}),
    "lookaround": ({"pattern": "^(?=a)(?=b)"}, "ab"),
    "a repetition of repetitions": ({"pattern": "((a{1,99}){1,99}){1,99}$"}, "a" * 99),
    "a back-reference": ({"pattern": r"(a*)\1\1b"}, "a" * 99),
    "what patterns have left over": ({"patternProperties": {"a": {}}, "unevaluatedProperties": False}, {"a": 1}),
    "a reference to elsewhere": ({"$ref": "https://example.com/schema"}, {}),
    "any of twice, in a part that names a draft": (
        {"properties": {"x": {"$schema": "https://json-schema.org/draft/2020-12/schema", **ladder("anyOf")}}},
        {"x": {}},
    ),
    "more values than steps": ({"items": {"type": "integer"}}, [0] * 300_000),
}


@pytest.mark.parametrize(("schema", "value"), ENDLESS.values(), ids=ENDLESS)
def test_what_cannot_be_checked_within_bounds_is_said_to_be_so(schema: dict[str, Any], value: Any) -> None:
    with pytest.raises(UncheckableError):
        BoundedSchema(schema).errors(value)


@pytest.mark.parametrize("keyword", ["pattern", "patternProperties", "additionalProperties"])
def test_a_pattern_that_takes_python_for_ever_is_searched_at_once(keyword: str) -> None:
    """`re` would need 2^50 tries."""
    slow, text = "^(a+)+$", "a" * 50 + "!"
    schemas: dict[str, dict[str, Any]] = {
        "pattern": {"properties": {"x": {"pattern": slow}}},
        "patternProperties": {"patternProperties": {slow: {"type": "null"}, "!": {"type": "null"}}},
        "additionalProperties": {"patternProperties": {slow: {}}, "additionalProperties": False},
    }
    value = {"x": text} if keyword == "pattern" else {text: 1}
    assert len(BoundedSchema(schemas[keyword]).errors(value)) == 1


def test_a_list_of_many_is_searched_for_doubles_in_one_pass() -> None:
    values: list[Any] = [{"n": n} for n in range(50_000)]
    schema = BoundedSchema({"uniqueItems": True})
    assert not schema.errors(values)
    assert len(schema.errors([*values, {"n": 7}])) == 1


NO_SCHEMA: Final[list[dict[str, Any]]] = [
    {"type": "nonsense"},
    {"properties": []},
    {"minimum": "1"},
    {"pattern": "("},
    {"patternProperties": {"(": {}}},
    {"properties": {f"p{at}": {"type": "integer"} for at in range(40_000)}},
]


@pytest.mark.parametrize("schema", NO_SCHEMA, ids=lambda schema: next(iter(schema)))
def test_what_is_no_schema_is_said_to_be_none(schema: dict[str, Any]) -> None:
    with pytest.raises(NoSchemaError):
        BoundedSchema(schema)


_PLAIN = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["object", "array", "string", "integer", "number", "null"]),
        "pattern": st.sampled_from(["^a", "b$", "[0-9]+", ""]),
        "uniqueItems": st.booleans(),
        "additionalProperties": st.sampled_from([True, False, {"type": "integer"}]),
        "patternProperties": st.just({"^a": {"type": "string"}}),
        "properties": st.just({"a": {"type": "integer"}, "b": {"enum": [1, "x", None]}}),
        "required": st.just(["a"]),
        "items": st.sampled_from([{"type": "integer"}, {"uniqueItems": True}]),
        "anyOf": st.just([{"type": "string"}, {"minProperties": 1}]),
        "maxLength": st.integers(0, 3),
    },
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 1.5]) | st.text("ab1", max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(schema=_PLAIN, value=_VALUES)
def test_within_bounds_it_says_what_the_library_says(schema: dict[str, Any], value: Any) -> None:
    library: Any = Draft202012Validator(schema)
    expected = {tuple(error.absolute_path) for error in library.iter_errors(value)}
    assert {tuple(error.absolute_path) for error in BoundedSchema(schema).errors(value)} == expected


@pytest.mark.parametrize("schema", [{"items": [{"pattern": "(?=a)"}]}, {"patternProperties": {"(?<=a)b": {}}}])
def test_a_pattern_that_cannot_be_searched_is_found_before_anything_is_checked(schema: dict[str, Any]) -> None:
    draft = "http://json-schema.org/draft-07/schema#"
    with pytest.raises(UncheckableError, match="linear time"):
        BoundedSchema({"$schema": draft, **schema}).check_patterns()
