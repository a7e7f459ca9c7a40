"""Everything that stands behind the pages: a worker, a gateway of local mode and one where people sign in."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import yaml

from placet_testing.deployment import Deployment, Json
from placet_testing.processes import configuration

LOCAL: Final = 0
"""The gateway where nobody signs in."""
SIGNED: Final = 1
"""The gateway where everybody does."""


@dataclass
class Stack(Deployment):
    """A worker and two gateways on one ledger.

    Attributes:
        numbers: For titles that no other approval has.
    """

    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def local_config(self) -> Path:
        """The `placet.yaml` without people."""
        return self.desk / "local.yaml"

    def __post_init__(self) -> None:
        """Writes both configurations."""
        super().__post_init__()
        without = {name: part for name, part in configuration().items() if name != "people"}
        self.local_config.write_text(yaml.safe_dump(without, sort_keys=False), encoding="utf-8")

    def start(self) -> None:
        """Starts what does not run, and waits until all of it is ready."""
        ports = [int(part.url.rpartition(":")[2]) for part in self.gateways]
        for place, config in ((LOCAL, self.local_config), (SIGNED, self.config)):
            if place < len(self.gateways) and self.gateways[place].alive:
                continue
            self.leads["gateway"] = {"PLACET_CONFIG": str(config)}
            part = self.start_gateway(ports[place] if place < len(ports) else None)
            self.gateways.remove(part)
            self.gateways[place : place + 1] = [part]
        self.up(workers=1, gateways=2)

    def url(self, path: str = "", gateway: int = LOCAL) -> str:
        """Returns the address of something on a gateway."""
        return f"{self.gateways[gateway].url}{path}"

    def client(self, user: str = "", gateway: int = LOCAL) -> httpx.Client:
        """Returns somebody's client of a gateway."""
        return super().client(user, gateway)

    def asked(self, user: str = "", gateway: int = LOCAL, **body: Any) -> Json:
        """Asks for a refund, or for what the body says, under a title of its own."""
        title = f"Refund 250 on order A-{next(self.numbers)}"
        return self.ask(user, gateway, **{"title": title, **body})

    def question(self, *questions: Json, **body: Any) -> Json:
        """Asks questions under a title of their own."""
        named = {"title": f"Question {next(self.numbers)}", **body}
        return self.ask("", LOCAL, kind="question", questions=list(questions), **named)

    def outcome(self, approval: Json) -> Json:
        """Waits until the approval is shown as ended, and returns it."""
        found: list[Json] = []

        def has_ended() -> bool:
            found[:] = [self.read(approval)]
            return found[0]["status"] != "pending"

        self.wait(has_ended)
        return found[0]

    def decided(self, approval: Json, kind: str = "approve", *, user: str = "", gateway: int = LOCAL) -> None:
        """Decides, and has to be the one whose decision counts."""
        answer = self.decide(approval, kind, user=user, gateway=gateway)
        assert answer.status_code == 200, answer.text


def new_stack(folder: Path, temporal: str) -> Stack:
    """Returns a stack on a queue of its own, not yet started."""
    return Stack(folder, temporal, f"placet-{uuid4().hex[:12]}")
