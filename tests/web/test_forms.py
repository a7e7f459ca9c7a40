"""Forms from a JSON Schema: what nobody touched is the same to the letter, what somebody typed keeps its type."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from hypothesis import given
from hypothesis import strategies as st

from placet.contracts.canonical import canonical_text, parse_object
from placet.web.answers import templates
from placet.web.forms import Read, form_of, read, step
from placet.web.pieces import field_id
from placet_testing.web import as_sent

TEXTS = st.text(max_size=60) | st.sampled_from(
    [
        "<b>&amp;</b>",
        "{{ 7*7 }}",
        "\r\n",
        "\n\nx",
        " padded ",
        "\u202egnp",
        "a\0b",
        "\x1b[2J",
        "</textarea>",
        '"',
        "null",
    ]
)
NUMBERS = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "amount": {"type": "integer"},
        "rate": {"type": "number"},
        "to": {"type": "array", "items": {"type": "string"}},
        "note": {"type": "string", "maxLength": 500},
        "urgent": {"type": "boolean"},
        "currency": {"enum": ["EUR", "USD", 7, None]},
        "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "customer": {"$ref": "#/$defs/customer"},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/customer"}},
        "free": {},
        "either": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
        "key": {"type": "string", "writeOnly": True},
        "day": {"type": "string", "format": "date"},
    },
    "required": ["amount"],
    "$defs": {"customer": {"type": "object", "properties": {"name": {"type": "string"}, "id": {"type": "integer"}}}},
}
ARGS: dict[str, Any] = {
    "amount": 2**63,
    "rate": 10.5,
    "to": ["a@x", "b@x"],
    "note": "first\r\nsecond",
    "urgent": False,
    "currency": 7,
    "limit": None,
    "customer": {"name": "Ann", "id": 1},
    "lines": [{"name": "one", "id": 1}, {"name": "two", "id": 2}],
    "free": {"deep": [1, {"x": None}]},
    "either": "text",
    "key": "hunter2",
    "day": "2026-07-01",
    "beyond the schema": [True],
}


def page_of(schema: dict[str, Any] | None, args: dict[str, Any], posted: dict[str, list[str]] | None = None) -> Tag:
    """Returns the form as a page shows it."""
    form = form_of(schema, args, posted)
    module = templates().get_template("fields.html").make_module()
    macro: Any = vars(module)["field"]
    fields = form.children or (form,)
    text = "".join(str(macro(one, {})) for one in fields)
    page = BeautifulSoup(f"<form>{text}</form>", "html.parser").form
    assert page is not None
    return page


def sent_back(schema: dict[str, Any] | None, args: dict[str, Any], **typed: str | list[str]) -> dict[str, Any]:
    """Returns the arguments after a browser has shown the form and sent it back."""
    found = read(form_of(schema, args, as_sent(page_of(schema, args), **typed)))
    assert not found.errors, found.errors
    return found.value


def test_a_form_that_nobody_touched_changes_nothing() -> None:
    assert canonical_text(sent_back(SCHEMA, ARGS)) == canonical_text(ARGS)


@given(st.dictionaries(st.sampled_from([*SCHEMA["properties"], "x/y~z", "<i>"]), VALUES))
def test_whatever_the_arguments_are_the_form_changes_nothing(args: dict[str, Any]) -> None:
    args = parse_object(canonical_text(args))
    assert canonical_text(sent_back(SCHEMA, args)) == canonical_text(args)
    assert canonical_text(sent_back(None, args)) == canonical_text(args)


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("amount", "9223372036854775809", 9223372036854775809),
        ("amount", " -3 ", -3),
        ("rate", "10", 10),
        ("rate", "1e3", 1000.0),
        ("note", "new\r\nlines", "new\nlines"),
        ("urgent", "true", True),
        ("currency", '"USD"', "USD"),
        ("currency", "null", None),
        ("free", '{"a": [1.50]}', {"a": [1.5]}),
        ("either", "5", 5),
        ("key", "new secret", "new secret"),
        ("day", "2026-08-02", "2026-08-02"),
        ("to/1", "c@x", ["a@x", "c@x"]),
    ],
)
def test_what_is_typed_keeps_its_type(field: str, text: str, value: object) -> None:
    changed = sent_back(SCHEMA, ARGS, **{f"v:/{field}": text})
    name = field.split("/", maxsplit=1)[0]
    assert canonical_text(changed) == canonical_text({**ARGS, name: value})


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("amount", "ten"),
        ("amount", "1.0"),
        ("amount", "٣"),
        ("amount", ""),
        ("rate", "1,5"),
        ("rate", "NaN"),
        ("rate", "true"),
        ("free", "{"),
        ("free", '{"a":1,"a":2}'),
        ("free", "1e999"),
    ],
)
def test_what_is_of_another_type_is_said_at_its_field_and_kept(field: str, text: str) -> None:
    posted = as_sent(page_of(SCHEMA, ARGS), **{f"v:/{field}": text})
    assert list(read(form_of(SCHEMA, ARGS, posted)).errors) == [f"/{field}"]
    again = as_sent(page_of(SCHEMA, ARGS, posted))
    assert again[f"v:/{field}"] == [text]


def test_what_no_browser_sends_is_said_at_its_field() -> None:
    posted = as_sent(page_of(SCHEMA, ARGS), **{"v:/urgent": "yes", "v:/currency": "[", "s:/amount": "null"})
    assert set(read(form_of(SCHEMA, ARGS, posted)).errors) == {"/urgent", "/currency"}


def test_what_is_typed_beside_not_set_or_null_is_never_left_out_without_a_word() -> None:
    whole = {"type": "object", "properties": {"street": {"type": "string"}}, "required": ["street"]}
    properties = {
        "count": {"type": "integer"},
        "note": {"type": ["string", "null"]},
        "size": {"anyOf": [{"enum": ["small", "large"]}, {"type": "null"}]},
        "address": whole,
        "to": {"type": "array", "items": {"type": "string"}},
    }
    schema, args = {"type": "object", "properties": properties}, {"note": None, "size": None}
    assert sent_back(schema, args) == args
    for place in ("count", "note", "size", "address/street"):
        posted = as_sent(page_of(schema, args), **{f"v:/{place}": "5"})
        assert list(read(form_of(schema, args, posted)).errors) == [f"/{place.split('/')[0]}"]
    assert sent_back(schema, args, **{"v:/count": "5", "s:/count": "value"}) == {**args, "count": 5}
    # Who chooses it after they have typed means it.
    assert sent_back(schema, {"count": 1}, **{"v:/count": "5", "s:/count": "unset"}) == {}
    added = form_of(schema, args, as_sent(page_of(schema, args)) | {"do": ["add:/to"]})
    assert read(added).value == {**args, "to": [""]}


def paid(**members: object) -> dict[str, Any]:
    return {"by": {**members}}


def test_objects_that_a_member_tells_apart_are_fields_and_another_choice_brings_its_own() -> None:
    card = {"kind": {"const": "card", "type": "string"}, "number": {"type": "string"}, "cvc": {"type": "integer"}}
    transfer = {"kind": {"enum": ["transfer"]}, "iban": {"type": "string"}, "number": {"type": "string"}}
    branches = [
        {"$ref": "#/$defs/card"},
        {"type": "object", "properties": transfer, "required": ["kind", "iban"]},
    ]
    schema = {
        "type": "object",
        "properties": {"by": {"discriminator": {"propertyName": "kind"}, "oneOf": branches}},
        "$defs": {"card": {"type": "object", "properties": card, "required": ["kind", "number"]}},
    }
    args = paid(kind="card", number="1", cvc=2)
    assert sent_back(schema, args) == args
    assert sent_back(schema, args, **{"v:/by/cvc": str(2**63)}) == paid(kind="card", number="1", cvc=2**63)
    # Without a look at its fields no other choice is taken.
    turned = as_sent(page_of(schema, args), **{"v:/by/kind": '"transfer"'})
    assert list(read(form_of(schema, args, turned)).errors) == ["/by"]
    shown = page_of(schema, args, turned)
    assert shown.select_one("[name='v:/by/cvc']") is None
    again = form_of(schema, args, as_sent(shown, **{"v:/by/iban": "DE89"}))
    assert read(again) == Read(paid(kind="transfer", number="1", iban="DE89"), {}, read(again).places)
    # What is of no branch is edited as JSON, and what is not there is chosen first.
    assert sent_back(schema, paid(kind="cash")) == paid(kind="cash")
    assert sent_back(schema, {}) == {}
    chosen = as_sent(page_of(schema, {}), **{"v:/by/kind": '"card"', "s:/by": "value"})
    assert read(form_of(schema, {}, chosen)).errors.keys() == {"/by"}


def test_null_nothing_and_the_empty_text_are_three_things() -> None:
    schema = {"type": "object", "properties": {"x": {"type": ["string", "null"]}}}
    for args in ({}, {"x": None}, {"x": ""}):
        assert sent_back(schema, args) == args
        for state, value in (("unset", {}), ("null", {"x": None}), ("value", {"x": ""})):
            assert sent_back(schema, args, **{"s:/x": state, "v:/x": ""}) == value


def test_a_secret_is_never_in_the_page() -> None:
    assert "hunter2" not in str(page_of(SCHEMA, ARGS))


def test_items_are_added_removed_and_moved_and_nothing_typed_is_lost() -> None:
    posted = as_sent(page_of(SCHEMA, ARGS), **{"v:/lines/0/name": "typed", "do": "add:/lines"})
    posted = as_sent(page_of(SCHEMA, ARGS, posted), **{"v:/lines/n0/name": "new", "s:/lines/n0/name": "value"})
    for do, names in (
        ("up:/lines/n0", ["typed", "new", "two"]),
        ("remove:/lines/1", ["typed", "new"]),
        ("down:/lines/0", ["new", "typed"]),
        ("remove:/lines/nothing", ["new", "typed"]),
        ("up:/to/0", ["new", "typed"]),
    ):
        page = page_of(SCHEMA, ARGS, {**posted, "do": [do]})
        posted = as_sent(page)
        value = read(form_of(SCHEMA, ARGS, posted)).value
        assert [line.get("name") for line in value["lines"]] == names
    assert value["to"] == ["a@x", "b@x"]


def test_what_a_server_says_of_a_moved_item_is_said_at_its_field() -> None:
    posted = as_sent(page_of(SCHEMA, ARGS), do="up:/lines/1")
    posted = as_sent(page_of(SCHEMA, ARGS, posted))
    places = read(form_of(SCHEMA, ARGS, posted)).places
    assert places["/lines/0/name"] == "/lines/1/name"


@pytest.mark.parametrize("names", ["0 0 0", "99", "-1 0", "n0 n0", "x y", "0 " * 5_000, "n1 0 1"])
def test_no_list_of_items_breaks_the_form(names: str) -> None:
    posted = as_sent(page_of(SCHEMA, ARGS), **{"n:/to": names})
    value = read(form_of(SCHEMA, ARGS, posted)).value
    assert len(value["to"]) <= 3


def test_a_schema_that_turns_in_circles_is_typed_as_json() -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"x": {"$ref": "#/$defs/a"}},
        "$defs": {"a": {"$ref": "#/$defs/a"}},
    }
    assert sent_back(schema, {"x": [1]}) == {"x": [1]}


def test_a_schema_that_names_itself_over_and_over_is_typed_as_json() -> None:
    names = {f"p{number}": {"$ref": "#/$defs/node"} for number in range(60)}
    wide: dict[str, Any] = {"type": "object", "properties": names}
    schema: dict[str, Any] = {**wide, "$defs": {"node": wide}}
    assert form_of(schema, {"p0": {}}).kind == "json"
    assert sent_back(schema, {"p0": {"p1": {}}}) == {"p0": {"p1": {}}}
    options: dict[str, Any] = {"enum": [str(number) for number in range(1_000)]}
    assert form_of({"type": "object", "properties": dict.fromkeys("abc", options)}, {"a": "1"}).kind == "json"


def test_no_two_fields_have_one_id_and_no_id_has_a_blank() -> None:
    names = ["a", "a-b", "a_b", "a b", "a_hb", "a_20_b", "a~b", "", "\u00e9", "a\tb", "a\u00a0b"]
    pointers = [f"/{step(name)}" for name in names] + ["/a/b", "/a//b", "/a/-b"]
    ids = [field_id(pointer) for pointer in pointers]
    assert len(set(ids)) == len(ids)
    assert not any(one.isspace() for id_ in ids for one in id_)
