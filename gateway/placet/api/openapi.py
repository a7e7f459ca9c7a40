"""The OpenAPI document, completed with what FastAPI cannot see: bodies, problems, keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi.routing import APIRoute
from pydantic import BaseModel

from placet.api.access import Allow, Body, Public
from placet.api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI
    from fastapi.dependencies.models import Dependant

REF: Final = "#/components/schemas/{model}"
_KEY_HEADER: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "The same key and body give the same answer",
}
HONOURS_A_KEY: Final = frozenset({"/v1/approvals", "/v1/runs", "/v1/approvals/{approval_id}/decision"})


def document_of(app: FastAPI, schema: dict[str, Any]) -> dict[str, Any]:
    """Returns the document with every body, every problem, and who may call."""
    schemas: dict[str, Any] = schema["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    _add(schemas, Problem)
    schema["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    for route in api_routes(app):
        for method in route.methods or () if route.include_in_schema else ():
            operation = schema["paths"][route.path_format][method.lower()]
            _complete(operation, route, schemas)
            if method == "POST" and route.path_format in HONOURS_A_KEY:
                operation.setdefault("parameters", []).append(_KEY_HEADER)
    return schema


def api_routes(app: FastAPI) -> Iterator[APIRoute]:
    """Yields every endpoint."""
    yield from (route for route in app.routes if isinstance(route, APIRoute))


def dependencies_of(route: APIRoute) -> Iterator[object]:
    """Yields what an endpoint depends on, in the order in which it is called."""
    yield from _calls(route.dependant)


def _calls(dependant: Dependant) -> Iterator[object]:
    for dependency in dependant.dependencies:
        yield from _calls(dependency)
        yield dependency.call


def _complete(operation: dict[str, Any], route: APIRoute, schemas: dict[str, Any]) -> None:
    responses: dict[str, Any] = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    for dependency in dependencies_of(route):
        if isinstance(dependency, Body):
            _add(schemas, dependency.model)
            operation["requestBody"] = {
                "required": not dependency.may_be_empty,
                "content": {"application/json": {"schema": {"$ref": REF.format(model=dependency.model.__name__)}}},
            }
        if isinstance(dependency, Allow):
            operation["security"] = [{"key": []}]
            operation["x-placet-roles"] = list(dependency.roles)
        if isinstance(dependency, Public):
            operation["security"] = []


def _add(schemas: dict[str, Any], model: type[BaseModel]) -> None:
    """Adds a model and what it is made of, where it is not there yet."""
    described = model.model_json_schema(ref_template=REF)
    for name, part in described.pop("$defs", {}).items():
        schemas.setdefault(name, part)
    schemas.setdefault(model.__name__, described)
