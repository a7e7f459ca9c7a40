"""The OpenAPI document: frozen, and true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from placet.api.openapi import api_routes
from placet.contracts.errors import CODES
from placet_testing.gateway import Site

FROZEN = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"

NEVER_ANSWERED: set[str] = set()


@pytest.fixture
def document(local_site: Site) -> dict[str, Any]:
    return local_site.app.openapi()


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def codes_of(operation: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    for response in operation["responses"].values():
        schema = response.get("content", {}).get("application/problem+json", {}).get("schema", {})
        found.update(schema.get("properties", {}).get("code", {}).get("enum", []))
    return found


def test_the_document_in_the_docs_is_the_one_that_is_served(document: dict[str, Any]) -> None:
    """A difference is a change of the contract; `tools/openapi.py` writes the file anew."""
    assert json.loads(FROZEN.read_text("utf-8")) == document


def test_every_endpoint_is_in_it(document: dict[str, Any], local_site: Site) -> None:
    documented = [route for route in api_routes(local_site.app) if route.include_in_schema]
    served = {f"{method} {route.path_format}" for route in documented for method in route.methods or ()}
    assert set(operations(document)) == served
    assert len(served) == 22


def test_every_code_of_the_contract_is_declared_somewhere(document: dict[str, Any]) -> None:
    declared = set[str]().union(*(codes_of(operation) for operation in operations(document).values()))
    assert declared == set(CODES) - NEVER_ANSWERED


def test_every_endpoint_that_reads_a_body_declares_it_and_its_errors(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        if name.startswith("POST"):
            assert operation["requestBody"]["content"]["application/json"]["schema"]["$ref"], name
            assert {"malformed_json", "too_large", "invalid_request"} <= codes_of(operation), name
        if name.split()[1].startswith("/v1"):
            assert {"unauthenticated", "not_allowed", "unavailable"} <= codes_of(operation), name
            assert operation["security"] == [{"key": []}], name


def test_no_reference_leads_nowhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    def check(node: object) -> None:
        if isinstance(node, dict):
            members = cast("dict[str, object]", node)
            ref = members.get("$ref")
            if isinstance(ref, str):
                assert ref.removeprefix("#/components/schemas/") in schemas, ref
            for value in members.values():
                check(value)
        elif isinstance(node, list):
            for value in cast("list[object]", node):
                check(value)

    check(document)
    assert "HTTPValidationError" not in schemas
