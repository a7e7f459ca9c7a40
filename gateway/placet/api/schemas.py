"""JSON Schemas of tools, which come from whoever asks: nothing they say is fetched or trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from placet.schemas import BoundedSchema, NoSchemaError, SchemasError

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from pydantic import JsonValue

SHOWN: Final = 20
"""Breaches that are listed, at most."""


def schema_problem(schema: dict[str, JsonValue]) -> str | None:
    """Returns why something is not a JSON Schema; None where it is one."""
    try:
        BoundedSchema(schema)
    except NoSchemaError as error:
        return str(error)
    return None


def breaches(schema: dict[str, JsonValue] | None, args: dict[str, Any]) -> list[dict[str, str]]:
    """Returns where arguments break a schema, as JSON Pointers under `/args`; no schema takes everything.

    What cannot be checked breaks it. It takes up to seconds of this thread, whatever somebody wrote into the schema.
    """
    if schema is None:
        return []
    try:
        found = BoundedSchema(schema).errors(args)
    except SchemasError as error:
        return [{"pointer": "/args", "message": f"they cannot be held against the tool's schema: {error}"}]
    return [_breach(error) for error in found[:SHOWN]]


def _breach(error: ValidationError) -> dict[str, str]:
    steps = [str(step).replace("~", "~0").replace("/", "~1") for step in error.absolute_path]
    return {"pointer": "".join(f"/{step}" for step in ["args", *steps]), "message": error.message[:500]}
