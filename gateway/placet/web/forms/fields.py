"""The form of a call's arguments: a tree of fields over their schema and their value.

The same tree is made from the value alone, to show it, and from the value and what was sent, to read it or to show it
once more. A field that nobody touched keeps its value to the letter, whatever a browser does to text on its way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from placet.cards.visible import hidden_characters, one_line, quoted
from placet.contracts.canonical import canonical_text
from placet.contracts.references import step
from placet.contracts.secrets import has_secrets, masked_part
from placet.web.forms.shapes import Kind, Shape, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from placet.web.forms.shapes import Schema

State = Literal["value", "null", "unset"]

UNSET: Final = object()
"""Stands for a member that is not there."""
MOST_ITEMS: Final = 500
MOST_FIELDS: Final = 2_000
"""Fields and options of a form; what has more is typed as JSON: a schema that names itself has no end."""
_BROKEN: Final = frozenset("\n\r\0")
"""What a field of one line does not hold; the last one is in no HTML at all."""
_ITEM: Final = re.compile(r"n?[0-9]{1,4}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOVES: Final = {"up": -1, "down": 1}


@dataclass(frozen=True)
class Field:
    """One place of the arguments.

    Attributes:
        pointer: A JSON Pointer to it; an item that was added has a name of its own in place of its number.
        label: Safe to print.
        original: Its value as it was; `UNSET` where it was not there.
        shown: The same with masks for secrets.
        text: What stands in the field.
        begun: What stood in it before anybody typed.
        options: Text and label of what may be chosen from.
        states: What may be chosen besides a value, where the schema allows it.
        hides: Whether what is typed into it may be a secret: it is kept nowhere.
        note: The value with its hidden characters visible, where it has any.
        item: Whether it is an item of a list, and can be moved and removed.
        branch: Of a union, which of its branches the fields are of; None where it is no union.
        turned: Whether another branch has been chosen than the one whose fields were shown.
    """

    pointer: str
    label: str
    kind: Kind
    original: Any
    shown: Any = None
    text: str = ""
    begun: str = ""
    state: State = "value"
    states: tuple[State, ...] = ("value",)
    input: str = "text"
    help: str = ""
    required: bool = False
    options: tuple[tuple[str, str], ...] = ()
    children: tuple[Field, ...] = ()
    hides: bool = False
    note: str = ""
    item: bool = False
    branch: str | None = None
    turned: bool = False
    attributes: tuple[tuple[str, str], ...] = field(default=())

    def leaves(self) -> Iterator[Field]:
        """Yields every field that holds a value of its own."""
        if self.children or self.kind in {"group", "list"}:
            for child in self.children:
                yield from child.leaves()
        else:
            yield self

    def all(self) -> Iterator[Field]:
        """Yields every field, the outer ones first."""
        yield self
        for child in self.children:
            yield from child.all()


def form_of(schema: Schema | None, args: Mapping[str, Any], posted: Mapping[str, list[str]] | None = None) -> Field:
    """Returns the form.

    Args:
        schema: Of the arguments; without one they are typed as JSON.
        args: As they were asked for.
        posted: What was sent back; what it holds stands in the fields.
    """
    root = dict(schema or {})
    # A form that was shown stays one: what is added to it is added by a person.
    room = MOST_FIELDS if posted is None else 2 * MOST_FIELDS
    try:
        return _Maker(root, posted, room).make("", "", root, dict(args), required=True, depth=0)
    except _TooManyFieldsError:
        return _Maker({}, posted, room).make("", "", {}, dict(args), required=True, depth=0)


def text_of(value: object, kind: Kind) -> str:
    """Returns a value as it stands in a field; a browser sends the same back."""
    if value is UNSET:
        return ""
    if kind in {"text", "lines", "secret"} and isinstance(value, str):
        return value
    return canonical_text(cast("Any", value))


class _TooManyFieldsError(Exception):
    """The form would have more fields than anybody fills in."""


class _Maker:
    """Makes fields, so many at most; holds what every one of them needs."""

    def __init__(self, root: Schema, posted: Mapping[str, list[str]] | None, room: int) -> None:
        self._root = root
        self._posted = posted
        self._room = room

    def make(  # noqa: PLR0913 - each says something of its own of the place
        self,
        pointer: str,
        label: str,
        schema: object,
        value: object,
        *,
        required: bool,
        depth: int,
        item: bool = False,
        added: bool = False,
    ) -> Field:
        shape = shape_of(schema, self._root, depth)
        self._room -= 1 + len(shape.options)
        if self._room < 0:
            raise _TooManyFieldsError
        shape = self._fitting(shape, value)
        branch = self._branch(pointer, shape, value) if shape.tag and shape.kind == "group" else None
        is_other = branch is not None and branch != _tag_of(value, shape)
        if branch is not None:
            shape, value = shape.branch(branch), _within(value, shape, branch)
        states = _states(shape, may_be_absent=not (item or added) and (not required or value is UNSET))
        state = self._state(pointer, value, states)
        common: dict[str, Any] = {
            "pointer": pointer,
            "label": label,
            "kind": shape.kind,
            "original": value,
            "state": state,
            "states": states,
            "input": _input(shape, value),
            "help": one_line(str(shape.schema.get("description", ""))),
            "required": required,
            "item": item,
            "branch": branch,
            "turned": branch is not None and self._sent(f"b:{pointer}") not in {None, branch},
        }
        if shape.kind == "group":
            return Field(**common, children=tuple(self._members(pointer, shape, value, depth, added=is_other)))
        if shape.kind == "list":
            return Field(**common, children=tuple(self._items(pointer, shape, value, depth)))
        return Field(**common, **self._leaf(pointer, shape, schema, value))

    def _fitting(self, shape: Shape, value: object) -> Shape:
        """Returns the shape, or JSON for a value that it could not show as it is."""
        if value is UNSET or (value is None and shape.nullable):
            return shape
        fits = {
            "text": isinstance(value, str) and not _BROKEN.intersection(value),
            "lines": isinstance(value, str) and "\0" not in value,
            "secret": isinstance(value, str),
            "integer": isinstance(value, int) and not isinstance(value, bool),
            "number": isinstance(value, int | float) and not isinstance(value, bool),
            "boolean": isinstance(value, bool),
            "choice": any(_same(value, option) for option in shape.options),
            "group": isinstance(value, dict) and bool(not shape.tag or _tag_of(cast("object", value), shape)),
            "list": isinstance(value, list | tuple) and len(cast("list[Any]", value)) <= MOST_ITEMS,
            "json": True,
        }[shape.kind]
        if fits:
            return shape
        if shape.kind == "text" and isinstance(value, str) and "\0" not in value:
            return Shape("lines", shape.schema, shape.nullable)
        return Shape("json", shape.schema, shape.nullable)

    def _branch(self, pointer: str, shape: Shape, value: object) -> str:
        """Returns the branch of a union that is chosen: as it was sent, or as it is; empty where none is."""
        sent = self._sent(f"v:{pointer}/{step(shape.tag)}")
        known = {canonical_text(tag): tag for tag in shape.branches}
        return _tag_of(value, shape) if sent is None else known.get(sent, "")

    def _leaf(self, pointer: str, shape: Shape, schema: object, value: object) -> dict[str, Any]:
        is_null = value is None and shape.kind != "json" and None not in shape.options
        shown = masked_part(value, schema, self._root) if shape.kind == "json" and value is not UNSET else value
        text = "" if is_null or shape.kind == "secret" else text_of(shown, shape.kind)
        sent = self._sent(f"v:{pointer}")
        hidden = shape.kind != "secret" and isinstance(value, str) and (hidden_characters(value) > 0 or "\r" in value)
        return {
            "shown": shown,
            "text": text if sent is None else sent,
            "begun": text,
            "options": tuple((canonical_text(option), _label(option)) for option in shape.options),
            "note": quoted(value) if hidden and isinstance(value, str) else "",
            "hides": shape.kind == "secret" or (shape.kind == "json" and has_secrets(self._root)),
            "attributes": tuple(_attributes(shape)),
        }

    def _members(self, pointer: str, shape: Shape, value: object, depth: int, *, added: bool) -> Iterator[Field]:
        held = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        properties = cast("dict[str, Any]", shape.schema["properties"])
        required = set(cast("list[str]", shape.schema.get("required", [])))
        for name in [*properties, *sorted(set(held) - set(properties))]:
            yield self.make(
                f"{pointer}/{step(name)}",
                one_line(name),
                properties.get(name, {}),
                held.get(name, UNSET),
                required=name in required,
                depth=depth + 1,
                added=added and name in required,
            )

    def _items(self, pointer: str, shape: Shape, value: object, depth: int) -> Iterator[Field]:
        held = cast("list[Any]", value) if isinstance(value, list | tuple) else []
        for place, name in enumerate(self._names(pointer, len(held)), 1):
            original = held[int(name)] if name.isdecimal() and int(name) < len(held) else UNSET
            yield self.make(
                f"{pointer}/{name}",
                f"{place}",
                shape.schema["items"],
                original,
                required=True,
                depth=depth + 1,
                item=True,
            )

    def _names(self, pointer: str, count: int) -> list[str]:
        """Returns the names of a list's items: their numbers, and `n…` for what was added; after what was asked for."""
        sent = self._sent(f"n:{pointer}")
        names = [str(number) for number in range(count)] if sent is None else sent.split()[:MOST_ITEMS]
        known = [name for name in dict.fromkeys(names) if _is_name(name, count)]
        verb, _, where = (self._sent("do") or "").partition(":")
        if verb == "add" and where == pointer:
            added = sum(name.startswith("n") for name in known)
            return [*known, next(f"n{number}" for number in range(added, MOST_ITEMS * 2) if f"n{number}" not in known)]
        return _moved(known, verb, where.removeprefix(f"{pointer}/") if where.startswith(f"{pointer}/") else "")

    def _state(self, pointer: str, value: object, states: tuple[State, ...]) -> State:
        if self._sent("do") == f"add:{pointer}":
            return "value"
        sent = self._sent(f"s:{pointer}")
        if sent is not None and sent in states:
            return sent
        if value is UNSET:
            return "unset" if "unset" in states else "value"
        return "null" if value is None and "null" in states else "value"

    def _sent(self, name: str) -> str | None:
        if self._posted is None or name not in self._posted:
            return None
        return self._posted[name][-1]


def _tag_of(value: object, shape: Shape) -> str:
    """Returns the branch of a union that a value is of; empty where it is of none."""
    tag = cast("dict[str, Any]", value).get(shape.tag) if isinstance(value, dict) else None
    return tag if isinstance(tag, str) and tag in shape.branches else ""


def _within(value: object, shape: Shape, branch: str) -> object:
    """Returns what of an object has a place in a branch of a union; all of it where it is of that branch."""
    if _tag_of(value, shape) in {"", branch}:
        return value
    members: Any = shape.branches.get(branch, {}).get("properties", {})
    held = cast("dict[str, Any]", value)
    return {name: held[name] for name in held if name == shape.tag or name in members}


def _states(shape: Shape, *, may_be_absent: bool) -> tuple[State, ...]:
    states: list[State] = ["value"]
    if shape.nullable:
        states.append("null")
    if may_be_absent:
        states.append("unset")
    return tuple(states)


def _is_name(name: str, count: int) -> bool:
    if name.isdecimal() and name.isascii():
        return len(name) <= len(str(MOST_ITEMS)) and int(name) < count
    return (
        name.startswith("n") and name[1:].isascii() and name[1:].isdecimal() and len(name) <= len(str(MOST_ITEMS)) + 2
    )


def _moved(names: list[str], verb: str, name: str) -> list[str]:
    if name not in names:
        return names
    place = names.index(name)
    if verb == "remove":
        return names[:place] + names[place + 1 :]
    other = place + _MOVES.get(verb, 0)
    if 0 <= other < len(names):
        names[place], names[other] = names[other], names[place]
    return names


def _same(one: object, other: object) -> bool:
    """Returns whether two values are one value of JSON: 1 is not true."""
    return canonical_text(cast("Any", one)) == canonical_text(cast("Any", other))


def _input(shape: Shape, value: object) -> str:
    """Returns the type of the input; a browser empties one for dates of what is none, so that needs a date."""
    if shape.input != "date" or value is UNSET or value is None:
        return shape.input
    return "date" if _DATE.fullmatch(str(value)) else "text"


def _label(option: object) -> str:
    return one_line(option) if isinstance(option, str) else canonical_text(cast("Any", option))


def _attributes(shape: Shape) -> Iterator[tuple[str, str]]:
    """Yields what a browser may check beforehand; the server checks all of it."""
    names = {"minLength": "minlength", "maxLength": "maxlength"} if shape.kind in {"text", "lines"} else {}
    for name, attribute in names.items():
        bound = shape.schema.get(name)
        if isinstance(bound, int) and not isinstance(bound, bool):
            yield attribute, str(bound)
    if shape.kind in {"integer", "number"}:
        yield "inputmode", "numeric" if shape.kind == "integer" else "decimal"
