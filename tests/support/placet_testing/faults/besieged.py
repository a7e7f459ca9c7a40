"""A deployment of which everything can be harmed: each process, each link, the ledger, the clocks."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from placet_testing.deployments import Mortal, folder_of
from placet_testing.faults.histories import keep_all_of
from placet_testing.faults.wires import Wire
from placet_testing.postgres import LocalPostgres, mortal_postgres
from placet_testing.servers import unavailable

SEED: Final = "PLACET_FAULT_SEED"
"""The variable that repeats the choices of an earlier try."""
Link = Literal["gateway-temporal", "worker-temporal", "gateway-ledger", "worker-ledger"]
LINKS: Final[tuple[Link, ...]] = ("gateway-temporal", "worker-temporal", "gateway-ledger", "worker-ledger")


@dataclass
class Besieged(Mortal):
    """Gateways and workers on a Temporal server and a PostgreSQL server of their own, each link a wire."""

    postgres: LocalPostgres | None = None
    wires: dict[Link, Wire] = field(default_factory=dict[Link, Wire])

    def start_ledger(self) -> None:
        """Starts PostgreSQL where it does not run."""
        assert self.postgres is not None
        self.postgres.start()

    def crash_ledger(self) -> None:
        """Stops PostgreSQL as a crash would."""
        assert self.postgres is not None
        self.postgres.stop(signal.SIGQUIT)

    def lay_wires(self) -> None:
        """Leads every link of the gateways and the workers through a wire."""
        host, port = self.temporal.split(":")
        ledger = urlsplit(self.ledger_url)
        assert ledger.hostname is not None
        assert ledger.port is not None
        for link in LINKS:
            target = (host, int(port)) if link.endswith("temporal") else (ledger.hostname, ledger.port)
            self.wires[link] = Wire(*target)
        for name, to_temporal, to_ledger in (
            ("gateway", self.wires["gateway-temporal"], self.wires["gateway-ledger"]),
            ("worker", self.wires["worker-temporal"], self.wires["worker-ledger"]),
        ):
            self.leads[name] = {
                "TEMPORAL_ADDRESS": to_temporal.address,
                "PLACET_LEDGER_URL": self.ledger_url.replace(f":{ledger.port}/", f":{to_ledger.port}/"),
            }

    def whole(self, *, workers: int = 2, gateways: int = 2) -> None:
        """Brings back everything that is down, cut, held or stopped."""
        for wire in self.wires.values():
            wire.mend()
        self.start_ledger()
        self.start_temporal()
        self.up(workers=workers, gateways=gateways)

    def close(self) -> None:
        """Kills everything, wires and Temporal too."""
        super().close()
        for wire in self.wires.values():
            wire.close()
        self.kill_temporal()


@pytest.fixture(scope="session")
def _besieged() -> Iterator[Besieged]:
    with folder_of("besieged") as folder, mortal_postgres(own_disk=True) as postgres:
        if postgres is None:
            unavailable("PostgreSQL's programs are not here (Debian: apt-get install postgresql)")
        (folder / "temporal").mkdir()
        with postgres.server.database() as url:
            made = Besieged(folder, "", f"placet-{uuid4().hex[:12]}", url, postgres=postgres)
            try:
                made.start_temporal()
                made.lay_wires()
                yield made
                made.whole()
                keep_all_of(made)
            finally:
                made.close()
                postgres.start()


@pytest.fixture
def besieged(_besieged: Besieged) -> Besieged:
    """Two gateways and two workers, a Temporal server and a PostgreSQL server, all up and all mortal."""
    _besieged.whole()
    return _besieged


@pytest.fixture
def seed() -> int:
    """The number that every choice of the test comes from: a new one each time, or the one that is given."""
    number = int(os.environ.get(SEED) or random.SystemRandom().randrange(1_000_000))
    print(f"{SEED}={number}")  # noqa: T201 - pytest shows it where the test fails
    return number
