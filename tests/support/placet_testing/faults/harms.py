"""Harms: each is done when its block begins and over when it ends; what is down then stays down until it is whole."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from random import Random
from typing import Final, Literal
from urllib.parse import urlsplit

import psycopg

from placet.engine.errors import ProvisionError
from placet.engine.progress import say_on_stderr
from placet_testing.faults.besieged import LINKS, Besieged, Link
from placet_testing.faults.faketime import faketime_library
from placet_testing.processes import Part
from placet_testing.servers import unavailable

_END_SESSIONS: Final = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)

Harm = Callable[[Besieged, Random], AbstractContextManager[object]]
"""Something bad that is done to a deployment for as long as a block takes."""


@contextmanager
def worker_killed(site: Besieged, chance: Random) -> Generator[None]:
    """One worker dies by kill -9 and another takes its place."""
    _kill_one(site.workers, chance)
    yield
    site.up(workers=2, gateways=len(site.gateways))


@contextmanager
def workers_killed(site: Besieged, chance: Random) -> Generator[None]:
    """Every worker dies by kill -9."""
    del chance
    site.kill_workers()
    yield
    site.whole()


@contextmanager
def gateway_killed(site: Besieged, chance: Random) -> Generator[None]:
    """One gateway dies by kill -9."""
    _kill_one(site.gateways, chance)
    yield
    site.whole()


@contextmanager
def temporal_killed(site: Besieged, chance: Random) -> Generator[None]:
    """Temporal dies by kill -9."""
    del chance
    site.kill_temporal()
    yield
    site.start_temporal()


@contextmanager
def ledger_crashed(site: Besieged, chance: Random) -> Generator[None]:
    """PostgreSQL stops as a crash would stop it."""
    del chance
    site.crash_ledger()
    yield
    site.start_ledger()


@contextmanager
def everything_killed(site: Besieged, chance: Random) -> Generator[None]:
    """Everything dies at once."""
    del chance
    site.kill_workers()
    site.kill_gateways()
    site.kill_temporal()
    site.crash_ledger()
    yield
    site.whole()


@contextmanager
def worker_frozen(site: Besieged, chance: Random) -> Generator[None]:
    """One worker stops where it stands and goes on later."""
    with _frozen(chance.choice(site.workers)):
        yield


@contextmanager
def workers_frozen(site: Besieged, chance: Random) -> Generator[None]:
    """Every worker stops where it stands."""
    del chance
    with contextlib.ExitStack() as stack:
        for worker in site.workers:
            stack.enter_context(_frozen(worker))
        yield


@contextmanager
def gateway_frozen(site: Besieged, chance: Random) -> Generator[None]:
    """One gateway stops where it stands."""
    with _frozen(chance.choice(site.gateways)):
        yield


@contextmanager
def ledger_read_only(site: Besieged, chance: Random) -> Generator[None]:
    """The ledger takes no writes, as after a failover that left its clients on the old primary."""
    del chance
    _tell_ledger(site, "ALTER SYSTEM SET default_transaction_read_only = on")
    try:
        yield
    finally:
        _tell_ledger(site, "ALTER SYSTEM RESET default_transaction_read_only")


@contextmanager
def ledger_locked(site: Besieged, chance: Random) -> Generator[None]:
    """Somebody holds a lock that every writer of events needs."""
    del chance
    with psycopg.connect(_address(site)) as connection:
        connection.execute("LOCK TABLE events IN EXCLUSIVE MODE")
        yield
        connection.rollback()


@contextmanager
def ledger_failed_over(site: Besieged, chance: Random) -> Generator[None]:
    """Every session with the ledger ends, new ones may only read; those stay when the ledger takes writes again."""
    del chance
    name = urlsplit(site.ledger_url).path.removeprefix("/")
    _tell_ledger(site, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    _tell_ledger(site, _END_SESSIONS)
    try:
        yield
    finally:
        _tell_ledger(site, f'ALTER DATABASE "{name}" RESET default_transaction_read_only')


@contextmanager
def ledger_unreadable(site: Besieged, chance: Random) -> Generator[None]:
    """Somebody holds every table of the ledger for himself, as a migration does: nobody reads and nobody writes."""
    del chance
    with psycopg.connect(_address(site)) as connection:
        _lock_every_table(connection)
        yield
        connection.rollback()


@contextmanager
def ledger_full(site: Besieged, chance: Random) -> Generator[None]:
    """The disk of the ledger is full: it takes no writes, and may go down by that."""
    del chance
    assert site.postgres is not None
    try:
        with site.postgres.disk_filled():
            yield
    except PermissionError as error:
        unavailable(f"only root gives the ledger a disk of its own: {error}")
    site.start_ledger()


def clock(name: Literal["gateway", "worker"], skew: str) -> Harm:
    """The clock of all gateways or all workers is wrong by so much (as `+1h`); their monotonic clocks are right."""

    @contextmanager
    def harm(site: Besieged, chance: Random) -> Generator[None]:
        del chance
        site.leads[name] |= {"LD_PRELOAD": faketime(), "FAKETIME": skew, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        _kill_all(site, name)
        try:
            site.whole()
            yield
        finally:
            for variable in ("LD_PRELOAD", "FAKETIME", "FAKETIME_DONT_FAKE_MONOTONIC"):
                del site.leads[name][variable]
            _kill_all(site, name)
            site.whole()

    return harm


def faketime() -> str:
    """Returns the library that skews a process's clock."""
    try:
        return str(faketime_library(say_on_stderr))
    except (ProvisionError, TimeoutError) as error:
        unavailable(str(error))


def held(link: Link) -> Harm:
    """The network between two parts loses every packet."""

    @contextmanager
    def harm(site: Besieged, chance: Random) -> Generator[None]:
        del chance
        with site.wires[link].held():
            yield

    return harm


def cut(link: Link) -> Harm:
    """The connections between two parts end, and there are no new ones."""

    @contextmanager
    def harm(site: Besieged, chance: Random) -> Generator[None]:
        del chance
        site.wires[link].cut()
        try:
            yield
        finally:
            site.wires[link].mend()

    return harm


KILLS: Final[dict[str, Harm]] = {
    "a worker killed": worker_killed,
    "all workers killed": workers_killed,
    "a gateway killed": gateway_killed,
    "Temporal killed": temporal_killed,
    "the ledger crashed": ledger_crashed,
    "everything killed": everything_killed,
}
STOPS: Final[dict[str, Harm]] = {
    "a worker frozen": worker_frozen,
    "all workers frozen": workers_frozen,
    "a gateway frozen": gateway_frozen,
}
PARTITIONS: Final[dict[str, Harm]] = {
    **{f"{link} held": held(link) for link in LINKS},
    **{f"{link} cut": cut(link) for link in LINKS},
}
LEDGER: Final[dict[str, Harm]] = {
    "the ledger read-only": ledger_read_only,
    "the ledger failed over": ledger_failed_over,
    "the ledger locked": ledger_locked,
    "the ledger unreadable": ledger_unreadable,
}
CLOCKS: Final[dict[str, Harm]] = {
    "the workers an hour ahead": clock("worker", "+1h"),
    "the workers an hour behind": clock("worker", "-1h"),
    "the gateways an hour ahead": clock("gateway", "+1h"),
    "the gateways an hour behind": clock("gateway", "-1h"),
}
DISK: Final[dict[str, Harm]] = {"the ledger's disk full": ledger_full}
ALL: Final = {**KILLS, **STOPS, **PARTITIONS, **LEDGER, **CLOCKS, **DISK}
STORM: Final = {**KILLS, **STOPS, **PARTITIONS, **LEDGER}
"""What comes in any order, on any machine."""


KINDS: Final = (KILLS, STOPS, PARTITIONS, LEDGER, CLOCKS, DISK)


def suffer(site: Besieged, chance: Random, names: list[str], *, seconds: float = 3.0, exactly: bool = False) -> None:
    """Does one harm after the other at moments of chance, each for so long or about so long, and tells when."""
    began = time.monotonic()
    for name in names:
        time.sleep(chance.random() * 2)
        print(f"{time.monotonic() - began:6.2f} s: {name}")  # noqa: T201 - pytest shows it where the test fails
        with ALL[name](site, chance):
            time.sleep(seconds if exactly else seconds * (0.5 + chance.random()))


def _kill_one(parts: list[Part], chance: Random) -> None:
    parts.pop(chance.randrange(len(parts))).kill()


def _kill_all(site: Besieged, name: str) -> None:
    if name == "gateway":
        site.kill_gateways()
    else:
        site.kill_workers()


@contextmanager
def _frozen(part: Part) -> Generator[None]:
    part.freeze()
    try:
        yield
    finally:
        part.thaw()


def _lock_every_table(connection: psycopg.Connection) -> None:
    """Holds all tables; where that and a transaction of Placet's wait for each other, PostgreSQL may end either."""
    tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    while True:
        try:
            connection.execute(f"LOCK TABLE {', '.join(str(name) for (name,) in tables)}".encode())
        except psycopg.errors.DeadlockDetected:
            connection.rollback()
        else:
            return


def _address(site: Besieged) -> str:
    return site.ledger_url.replace("postgresql+psycopg://", "postgresql://")


def _tell_ledger(site: Besieged, statement: str) -> None:
    with psycopg.connect(_address(site), autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(statement.encode())
        connection.execute("SELECT pg_reload_conf()")
