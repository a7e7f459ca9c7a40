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
from argon2 import PasswordHasher
from bs4 import BeautifulSoup

from placet.cards.view import headline
from placet.contracts.approvals import Approval
from placet_testing.deployment import Deployment, Json
from placet_testing.faults.wires import Wire
from placet_testing.processes import configuration
from placet_testing.web import as_sent

LOCAL: Final = 0
"""The gateway where nobody signs in."""
SIGNED: Final = 1
"""The gateway where everybody does."""
ACCOUNTS: Final = "accounts.txt"
PASSWORD: Final = "the same for everybody"  # noqa: S105 - it opens a desk of tests


@dataclass
class Stack(Deployment):
    """A worker and two gateways on one ledger.

    Attributes:
        numbers: For titles that no other approval has.
        to_temporal: What the gateway of local mode reaches Temporal by.
    """

    to_temporal: Wire = field(init=False)

    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _sessions: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    @property
    def local_config(self) -> Path:
        """The `placet.yaml` without people."""
        return self.desk / "local.yaml"

    def __post_init__(self) -> None:
        """Writes both configurations, and a password for everybody."""
        super().__post_init__()
        host, _, port = self.temporal.rpartition(":")
        self.to_temporal = Wire(host, int(port))
        given = configuration()
        people: Json = given.pop("people")
        self.local_config.write_text(yaml.safe_dump(given, sort_keys=False), encoding="utf-8")
        given["people"] = {**people, "sign_in": {"accounts": ACCOUNTS}}
        self.config.write_text(yaml.safe_dump(given, sort_keys=False), encoding="utf-8")
        hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
        lines = [f"{user}:{hashed}" for user in people["users"]]
        (self.desk / ACCOUNTS).write_text("\n".join(lines), encoding="utf-8")

    def start(self) -> None:
        """Starts what does not run, and waits until all of it is ready."""
        self.to_temporal.mend()
        ports = [int(part.url.rpartition(":")[2]) for part in self.gateways]
        told = {
            LOCAL: {"PLACET_CONFIG": str(self.local_config), "TEMPORAL_ADDRESS": self.to_temporal.address},
            SIGNED: {"PLACET_CONFIG": str(self.config)},
        }
        for place, lead in told.items():
            if place < len(self.gateways) and self.gateways[place].alive:
                continue
            self.leads["gateway"] = lead
            part = self.start_gateway(ports[place] if place < len(ports) else None)
            self.gateways.remove(part)
            self.gateways[place : place + 1] = [part]
        self.up(workers=1, gateways=2)

    def close(self) -> None:
        """Kills everything."""
        super().close()
        self.to_temporal.close()

    def streams(self, gateway: int = LOCAL) -> int:
        """Returns how many event streams a gateway holds open."""
        text = self.client("" if gateway == LOCAL else "root", gateway).get("/metrics").text
        (value,) = [line.split()[-1] for line in text.splitlines() if line.startswith("placet_streams ")]
        return int(float(value))

    def url(self, path: str = "", gateway: int = LOCAL) -> str:
        """Returns the address of something on a gateway."""
        return f"{self.gateways[gateway].url}{path}"

    def client(self, user: str = "", gateway: int = LOCAL) -> httpx.Client:
        """Returns somebody's client of a gateway."""
        return super().client(user, gateway)

    def session(self, user: str) -> dict[str, str]:
        """Returns the cookies of somebody who has signed in; once for all their browsers."""
        if user not in self._sessions:
            url = self.url(gateway=SIGNED)
            with httpx.Client(base_url=url, headers={"Origin": url}, trust_env=False) as client:
                form = BeautifulSoup(client.get("/sign-in").text, "html.parser").select_one("form")
                assert form is not None
                answer = client.post(str(form["action"]), data=as_sent(form, user=user, password=PASSWORD))
                assert answer.status_code == 303, answer.text
                self._sessions[user] = dict(client.cookies)
        return self._sessions[user]

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

    def decided(self, approval: Json, kind: str = "approve", message: str | None = None) -> None:
        """Decides in local mode, and has to be the one whose decision counts."""
        body = {} if message is None else {"message": message}
        answer = self.decide(approval, kind, user="", gateway=LOCAL, **body)
        assert answer.status_code == 200, answer.text


def headline_of(approval: Json) -> str:
    """Returns what the pages call an approval."""
    return headline(Approval.model_validate(approval))


def new_stack(folder: Path, temporal: str) -> Stack:
    """Returns a stack on a queue of its own, not yet started."""
    return Stack(folder, temporal, f"placet-{uuid4().hex[:12]}")
