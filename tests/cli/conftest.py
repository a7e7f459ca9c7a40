"""The command line as a person or a script starts it, and a gateway for it to speak to."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from placet_testing.fake_gateway import FakeGateway
from placet_testing.pseudo_terminal import PseudoTerminal

COMMAND = (sys.executable, "-m", "placet.cli")


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout."""
        found: dict[str, Any] = json.loads(self.out)
        assert found["schema_version"] == 1
        return found


@dataclass(frozen=True)
class Placet:
    """Starts `placet` with an environment that says nothing but where the gateway is."""

    env: dict[str, str]

    def __call__(self, *args: str, stdin: str = "", **env: str) -> Ended:
        ended = subprocess.run(
            [*COMMAND, *args], env={**self.env, **env}, input=stdin, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in ended.stderr, ended.stderr
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def at_terminal(self, *args: str, typed: str = "", **env: str) -> PseudoTerminal:
        """Starts it at a terminal, where `typed` has been typed before."""
        return PseudoTerminal([*COMMAND, *args], {**self.env, **env}, typed=typed)


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    with FakeGateway() as fake:
        yield fake


@pytest.fixture
def placet_of() -> Callable[[str], Placet]:
    return lambda url: Placet(
        {"PLACET_URL": url, "TERM": "xterm", "LANG": "C.UTF-8", "TZ": "UTC", "PATH": "/usr/bin:/bin"}
    )


@pytest.fixture
def placet(gateway: FakeGateway, placet_of: Callable[[str], Placet]) -> Placet:
    return placet_of(gateway.url)
