"""Writes the public JSON Schemas into docs/reference/schemas from the contracts; `--check` only compares.

For programs in other languages: what a workflow of theirs gives to `Approval`, what it gets back, what decides, and
the `data` of each event. Fields that only Placet's own processes use are left out, so that nobody builds on them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, cast

from pydantic import BaseModel
from reference_models import attributes_of

from placet.contracts.approvals import ApprovalBody, ApprovalInput, Outcome
from placet.contracts.decisions import DecideInput, DecisionBody
from placet.contracts.events import EVENT_DATA

FOLDER: Final = Path(__file__).parents[1] / "docs" / "reference" / "schemas"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
ASKING: Final = (*ApprovalBody.model_fields, "args_text", "agent", "call_id", "source", "requester")
DECIDING: Final = (
    *(name for name in DecisionBody.model_fields if name in DecideInput.model_fields),
    "args_text",
    "decision_id",
    "by",
)

Schema = dict[str, Any]


def schemas() -> dict[str, Schema]:
    """Returns each file's name and its schema."""
    named = {
        "approval-input.json": _schema(ApprovalInput, "validation", ASKING),
        "approval-outcome.json": _schema(Outcome, "serialization"),
        "decide-input.json": _schema(DecideInput, "validation", DECIDING),
        "decision-body.json": _schema(DecisionBody, "validation"),
    }
    for event_type, model in EVENT_DATA.items():
        schema = _schema(model, "serialization")
        named[f"{event_type}.json"] = {**schema, "title": event_type}
    return named


def text_of(schema: Schema) -> str:
    """Returns a schema as its file holds it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def stale(folder: Path) -> list[str]:
    """Returns the files that are missing, say something else than the contracts, or are of nothing any more."""
    wanted = {name: text_of(schema) for name, schema in schemas().items()}
    there = {path.name: path.read_text("utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def write(folder: Path) -> None:
    """Writes every file and removes those of nothing any more."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = schemas()
    for path in folder.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, schema in wanted.items():
        (folder / name).write_text(text_of(schema), "utf-8")


def main(*, check: bool) -> int:
    """Writes or compares; 1 where a check found something else than the contracts say."""
    found = stale(FOLDER)
    for name in found:
        print(f"docs/reference/schemas/{name}: {'out of date; `make docs` writes it' if check else 'written'}")
    if not check:
        write(FOLDER)
    return 1 if check and found else 0


def _schema(
    model: type[BaseModel], mode: Literal["validation", "serialization"], public: tuple[str, ...] = ()
) -> Schema:
    made: Schema = model.model_json_schema(mode=mode)
    properties = cast("dict[str, Schema]", made.get("properties", {}))
    definitions = cast("dict[str, Schema]", made.pop("$defs", {}))
    kept = {name: properties[name] for name in public or properties}
    for name, text in attributes_of(model).items():
        if name in kept:
            kept[name] = {**kept[name], "description": text}
    schema: Schema = {"$schema": DIALECT, **made, "properties": kept}
    schema["description"] = (model.__doc__ or "").partition("\n\n")[0].strip()
    used = _used(schema, definitions)
    return {**schema, "$defs": {name: definitions[name] for name in sorted(used)}} if used else schema


def _used(schema: Schema, definitions: dict[str, Schema]) -> set[str]:
    """Returns the definitions that a schema leads to."""
    found: set[str] = set()
    waiting = [schema]
    while waiting:
        for name in set(_references(waiting.pop())) - found:
            found.add(name)
            waiting.append(definitions[name])
    return found


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in cast("dict[str, object]", node).items():
            if key == "$ref" and isinstance(value, str):
                yield value.removeprefix("#/$defs/")
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for item in cast("list[object]", node):
            yield from _references(item)


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
