"""JSON Schemas of tools, which come from whoever asks: nothing they say is fetched or trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from pydantic import JsonValue

SHOWN: Final = 20
"""Breaches that are listed, at most."""


def schema_problem(schema: dict[str, JsonValue]) -> str | None:
    """Returns why something is not a JSON Schema; None where it is one."""
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        return f"not a JSON Schema: {error.message}"
    except RecursionError:
        return "not a JSON Schema: it has no end"
    return None


def breaches(schema: dict[str, JsonValue] | None, args: dict[str, Any]) -> list[dict[str, str]]:
    """Returns where arguments break a schema, as JSON Pointers under `/args`; no schema takes everything."""
    if schema is None:
        return []
    problem = schema_problem(schema)
    if problem is not None:
        return [{"pointer": "/args", "message": f"the tool's schema is {problem}"}]
    # An empty registry: a `$ref` to another place is not resolved, so nobody makes the gateway fetch it.
    validator = validator_for(schema, default=Draft202012Validator)(schema, registry=Registry())
    try:
        found = sorted(validator.iter_errors(args), key=lambda error: list(map(str, error.absolute_path)))
        return [_breach(error) for error in found[:SHOWN]]
    except Unresolvable as error:
        return [{"pointer": "/args", "message": f"the tool's schema points to what is not there: {error}"}]
    except RecursionError:
        return [{"pointer": "/args", "message": "the tool's schema has no end"}]


def _breach(error: ValidationError) -> dict[str, str]:
    steps = [str(step).replace("~", "~0").replace("/", "~1") for step in error.absolute_path]
    return {"pointer": "".join(f"/{step}" for step in ["args", *steps]), "message": error.message[:500]}
