"""`placet key create` and `placet schema`."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from argon2 import PasswordHasher

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Placet


def test_a_key_is_printed_once_with_the_line_that_lets_its_holder_in(placet_of: Callable[[str], Placet]) -> None:
    placet = placet_of("http://127.0.0.1:9")
    first, second = (
        placet("key", "create", "dana", "--json").document,
        placet("key", "create", "dana", "--json").document,
    )
    assert first["key"] != second["key"]
    assert len(first["key"]) > 40
    assert first["sha256"] == "sha256:" + hashlib.sha256(first["key"].encode()).hexdigest()
    words = placet("key", "create", "dana").out
    assert 'keys: ["sha256:' in words
    assert "people: users: dana:" in words


def test_a_user_that_is_none_is_refused(placet_of: Callable[[str], Placet]) -> None:
    ended = placet_of("http://127.0.0.1:9")("key", "create", "da na:", "--json")
    assert ended.code == 2


def test_an_account_gets_a_line_whose_hash_is_of_the_password(placet_of: Callable[[str], Placet]) -> None:
    placet = placet_of("http://127.0.0.1:9")
    line = placet("account", "hash", "dana", "--json", stdin="correct horse battery\n").document["line"]
    user, _, hashed = line.partition(":")
    assert user == "dana"
    assert PasswordHasher().verify(hashed, "correct horse battery")
    assert placet("account", "hash", "dana", "--json", stdin="short\n").code == 2


def test_the_schema_is_json(placet_of: Callable[[str], Placet]) -> None:
    document = placet_of("http://127.0.0.1:9")("schema", "--json").document
    assert "agents" in document["schema"]["properties"]
