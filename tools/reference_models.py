"""Tables of the reference that come from models: error codes, settings, events, search attributes."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any, Final, cast

from pydantic import BaseModel

from placet.contracts.approvals import Approval
from placet.contracts.errors import CODES
from placet.contracts.events import EVENT_DATA, EventType
from placet.contracts.runs import Run
from placet.engine.search_attributes import DATETIME, SEARCH_ATTRIBUTES
from placet.engine.settings import Settings

_VARIABLE: Final = re.compile(r"\(`(PLACET_[A-Z_]+)`(?:, as `[^`]*`)?\)")
_ATTRIBUTE: Final = re.compile(r"^ {4}(?P<name>\w+): (?P<text>.*(?:\n {8}.*)*)", re.MULTILINE)

Schema = dict[str, Any]


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Returns a Markdown table, without the columns that have nothing in them."""
    columns, lines = tuple(head), [tuple(row) for row in rows]
    used = [place for place in range(len(columns)) if any(line[place] for line in lines)]
    shown = [columns, tuple("---" for _ in columns), *lines]
    return "\n".join("| " + " | ".join(line[place].replace("|", "\\|") for place in used) + " |" for line in shown)


def attributes_of(documented: type) -> dict[str, str]:
    """Returns what the "Attributes:" of a class's docstring says of each, on one line."""
    docstring = documented.__doc__ or ""
    _, _, attributes = docstring.partition("Attributes:\n")
    dedented = re.sub(r"^    (?= {4})", "", attributes, flags=re.MULTILINE)
    found = _ATTRIBUTE.finditer(dedented)
    return {match["name"]: " ".join(match["text"].split()) for match in found}


def error_codes() -> str:
    """Returns the table of error codes with their statuses and titles."""
    rows = ((str(meaning.status), f"[`{code}`](#{code})", meaning.title) for code, meaning in CODES.items())
    return table(("status", "code", "title"), rows)


def settings() -> str:
    """Returns the table of the environment variables that `Settings` reads, with their defaults."""
    texts = attributes_of(Settings)
    rows: list[tuple[str, str, str]] = []
    for field in dataclasses.fields(Settings):
        variable = _VARIABLE.search(texts[field.name])
        if variable:
            meaning = _VARIABLE.sub("", texts[field.name]).replace(" ;", ";").replace(" .", ".").replace(" :", ":")
            rows.append((f"`{variable[1]}`", _default(field.default), meaning))
    return table(("variable", "default", "meaning"), rows)


def events() -> str:
    """Returns one section for each type of event, with the fields of its `data`."""
    by_model: dict[type[BaseModel], list[EventType]] = {}
    for event_type, model in EVENT_DATA.items():
        by_model.setdefault(model, []).append(event_type)
    return "\n\n".join(_event(model, types) for model, types in by_model.items())


def approval() -> str:
    """Returns the table of an approval's fields."""
    return table(("field", "type", "meaning"), fields_of(Approval))


def run() -> str:
    """Returns the table of a run's fields."""
    return table(("field", "type", "meaning"), fields_of(Run))


def search_attributes() -> str:
    """Returns the table of search attributes and their types."""
    kinds = {DATETIME: "Datetime"}
    rows = ((f"`{name}`", kinds.get(kind, "Keyword")) for name, kind in SEARCH_ATTRIBUTES.items())
    return table(("search attribute", "type"), rows)


def fields_of(model: type[BaseModel]) -> Iterator[tuple[str, str, str]]:
    """Yields name, type in words, and meaning of each field of a model as it is written out."""
    schema: Schema = model.model_json_schema(mode="serialization")
    texts = attributes_of(model)
    properties = cast("dict[str, Schema]", schema.get("properties", {}))
    for name, given in properties.items():
        yield f"`{name}`", type_text(given), texts.get(name) or str(given.get("description", ""))


def type_text(schema: Schema) -> str:
    """Returns the type that a JSON Schema describes, in words."""
    several = cast("list[Schema]", schema.get("anyOf") or schema.get("oneOf") or [])
    if several:
        joint = ", " if all("enum" in one or "const" in one for one in several) else " or "
        return joint.join(dict.fromkeys(type_text(one) for one in several))
    if "$ref" in schema:
        return f"`{str(schema['$ref']).rpartition('/')[2]}`"
    if "const" in schema or "enum" in schema:
        values = cast("list[object]", schema.get("enum") or [schema["const"]])
        return ", ".join(f"`{one}`" for one in values)
    if schema.get("type") == "array":
        return f"list of {type_text(cast('Schema', schema.get('items', {})))}"
    if schema.get("format") == "date-time":
        return "time"
    return str(schema.get("type", "anything"))


def _event(model: type[BaseModel], types: list[EventType]) -> str:
    said = (model.__doc__ or "").strip().splitlines()[0]
    _, _, more = said.rstrip(".").partition(": ")
    lines = [f"### {', '.join(f'`{event_type}`' for event_type in types)}", ""]
    if more:
        lines += [f"{more[0].upper()}{more[1:]}.", ""]
    rows = [(name, kind) for name, kind, _ in fields_of(model)]
    return "\n".join([*lines, table(("field of `data`", "type"), rows)])


def _default(value: object) -> str:
    if value in (None, ()) or value is dataclasses.MISSING:
        return "none"
    if value == "":
        return "see right"
    if isinstance(value, timedelta):
        return f"`{int(value.total_seconds() // 60)}m`"
    return f"`{value}`"
