"""The published digest vectors, by which an SDK in another language proves that it computes the same."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

import pytest
import rfc8785

from placet.contracts.canonical import MalformedJsonError, canonical_args, digest, parse_object

VECTORS: Final = json.loads((Path(__file__).parents[3] / "docs/reference/digest-vectors.json").read_text("utf-8"))


def by_name(vector: dict[str, str]) -> str:
    return vector["name"]


@pytest.mark.parametrize("vector", VECTORS["digests"], ids=by_name)
def test_a_vector_holds(vector: dict[str, str]) -> None:
    """A digest is stored and shown for years: a vector is never changed, only added."""
    canonical = canonical_args(vector["json"])
    assert canonical == vector["canonical"]
    assert canonical_args(canonical) == canonical
    assert digest(vector["tool"], canonical) == vector["digest"]


@pytest.mark.parametrize("vector", VECTORS["digests"], ids=by_name)
def test_a_vector_says_what_rfc_8785_says(vector: dict[str, str]) -> None:
    """Against another implementation, but for integers beyond 2^53, which it refuses."""
    bound = {"tool": vector["tool"], "args": parse_object(vector["json"])}
    try:
        expected = rfc8785.dumps(bound)
    except rfc8785.IntegerDomainError:
        expected = f'{{"args":{vector["canonical"]},"tool":{json.dumps(vector["tool"])}}}'.encode()
    assert vector["digest"] == "sha256:" + hashlib.sha256(expected).hexdigest()


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=by_name)
def test_what_has_no_digest_is_refused(vector: dict[str, str]) -> None:
    with pytest.raises(MalformedJsonError):
        canonical_args(vector["json"])
