"""What a JSON Schema says of one place, as far as a form can show it; for the rest JSON is typed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from placet.contracts.references import Schema, resolved

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["text", "lines", "secret", "integer", "number", "boolean", "choice", "group", "list", "json"]

LONG: Final = 120
"""A text that may be longer than this gets several lines."""
DEEPEST: Final = 4
"""Levels of objects and lists that are fields; below them JSON is typed."""
_COMBINING: Final = ("allOf", "oneOf", "not", "if", "patternProperties", "dependentSchemas", "prefixItems")
_SIMPLE: Final[Mapping[str, Kind]] = {"integer": "integer", "number": "number", "boolean": "boolean"}
_UNION: Final = frozenset({"oneOf", "discriminator", "type", "title", "description", "default"})
"""What may stand beside the branches of a union that is a form."""
_INPUTS: Final = {"date": "date"}
"""Formats with an input of their own; those for addresses cut blanks off what they are given, so they are text."""


@dataclass(frozen=True)
class Shape:
    """How one place of a value is edited.

    Attributes:
        schema: What is said of it, without references and without `null`.
        nullable: Whether `null` is allowed too.
        options: What may be chosen from.
        input: The `type` of an HTML input.
        tag: The member that says which branch of a union it is; empty where it is no union.
        branches: What is said of it by the text of that member.
    """

    kind: Kind
    schema: Schema
    nullable: bool = False
    options: tuple[Any, ...] = ()
    input: str = "text"
    tag: str = ""
    branches: Mapping[str, Schema] = field(default_factory=dict[str, Schema])

    def branch(self, tag: str | None) -> Shape:
        """Returns how one branch of a union is edited: its members, and the one that says which branch it is."""
        chosen = self.branches.get(tag or "", {})
        members = cast("dict[str, Any]", chosen.get("properties", {}))
        properties = {self.tag: {"enum": list(self.branches)}} | {
            name: schema for name, schema in members.items() if name != self.tag
        }
        required = [self.tag, *cast("list[str]", chosen.get("required", []))]
        schema = {**self.schema, **chosen, "properties": properties, "required": required}
        return replace(self, schema=schema)


def shape_of(schema: object, root: Schema, depth: int) -> Shape:
    """Returns how a place is edited; JSON where a form could not show all that the schema allows."""
    found = resolved(schema, root)
    if found is None:
        return Shape("json", {})
    plain, nullable = _without_null(found, root)
    if plain is not None and (union := _union(plain, root)) is not None and depth < DEEPEST:
        return replace(union, nullable=nullable)
    if plain is None or any(name in plain for name in _COMBINING) or "anyOf" in plain:
        return Shape("json", found)
    return replace(_of_type(plain, depth), nullable=nullable)


def _union(schema: Schema, root: Schema) -> Shape | None:
    """Returns the shape of objects that a member of theirs tells apart; None where nothing does."""
    given = schema.get("oneOf")
    if not isinstance(given, list) or not given or not _UNION.issuperset(schema):
        return None
    found = [resolved(one, root) for one in cast("list[Any]", given)]
    branches = [one for one in found if one and not any(name in one for name in (*_COMBINING, "anyOf"))]
    if len(branches) < len(found):
        return None
    tags = [_constants(one) for one in branches]
    for name in tags[0]:
        texts = [tag[name] for tag in tags if name in tag]
        if len(texts) == len(set(texts)) == len(branches):
            return Shape("group", schema, tag=name, branches=dict(zip(texts, branches, strict=True)))
    return None


def _constants(schema: Schema) -> dict[str, str]:
    """Returns the members of an object that have to be one certain text, by their names."""
    properties = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(properties, dict):
        return {}
    found: dict[str, str] = {}
    for name, one in cast("dict[str, Any]", properties).items():
        said = cast("Schema", one) if isinstance(one, dict) else {}
        values: Any = [said["const"]] if "const" in said else said.get("enum")
        if isinstance(values, list) and len(cast("list[Any]", values)) == 1 and isinstance(values[0], str):
            found[name] = values[0]
    return found


def _of_type(schema: Schema, depth: int) -> Shape:
    if "const" in schema:
        return Shape("choice", schema, options=(schema["const"],))
    if isinstance(schema.get("enum"), list):
        return Shape("choice", schema, options=tuple(cast("list[Any]", schema["enum"])))
    kind = schema.get("type")
    if kind == "object" and isinstance(schema.get("properties"), dict) and depth < DEEPEST:
        return Shape("group", schema)
    if kind == "array" and isinstance(schema.get("items"), dict) and depth < DEEPEST:
        return Shape("list", schema)
    if kind == "string":
        return _text(schema)
    return Shape(_SIMPLE.get(str(kind), "json"), schema)


def _text(schema: Schema) -> Shape:
    if schema.get("writeOnly") is True or schema.get("format") == "password":
        return Shape("secret", schema, input="password")
    longest = schema.get("maxLength")
    if isinstance(longest, int) and longest > LONG:
        return Shape("lines", schema)
    return Shape("text", schema, input=_INPUTS.get(str(schema.get("format")), "text"))


def _without_null(schema: Schema, root: Schema) -> tuple[Schema | None, bool]:
    """Returns the schema of what is not null, and whether null is allowed; None where several others are."""
    kinds = schema.get("type")
    if isinstance(kinds, list):
        others = [kind for kind in cast("list[Any]", kinds) if kind != "null"]
        nullable = len(others) < len(cast("list[Any]", kinds))
        return ({**schema, "type": others[0]} if len(others) == 1 else None), nullable
    branches = schema.get("anyOf")
    if not isinstance(branches, list):
        return schema, False
    known = [resolved(branch, root) for branch in cast("list[Any]", branches)]
    others = [branch for branch in known if branch is None or branch.get("type") != "null"]
    nullable = len(others) < len(known)
    if len(others) != 1 or others[0] is None:
        return None, nullable
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**others[0], **rest}, nullable
