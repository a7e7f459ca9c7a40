"""The processes of a deployment, as its operator runs them; tests kill, stop and start them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import yaml
from temporalio.client import Client
from temporalio.envconfig import ClientConfigProfile

from placet.engine.connection import connect
from placet.engine.launching import launched
from placet.engine.ports import LOOPBACK, free_port
from placet.engine.settings import Settings
from placet_testing.gateway import mark_of, people
from placet_testing.running_up import until

DESK: Final = Path(__file__).with_name("desk")
BILLING: Final = Path(__file__).parents[3] / "examples" / "billing"
CROWD: Final = tuple(f"p{number}" for number in range(1, 9))
"""Eight approvers."""
PLACET: Final = "placet.cli"
_READY_LIMIT: Final = 90.0
_START_LIMIT: Final = 150.0
"""How long four processes at once may take to start on a machine that does much else, in seconds."""


@dataclass(frozen=True)
class Part:
    """A process of a deployment."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    url: str = ""

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def kill(self) -> None:
        """Kills it with -9, as a power cut would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self, limit: float = 30.0) -> int:
        """Asks it to end with SIGTERM and returns its exit code."""
        self.process.terminate()
        return self.process.wait(limit)

    def freeze(self) -> None:
        """Stops it where it stands, as a host does that is moved or swaps."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets it go on."""
        os.killpg(self.process.pid, signal.SIGCONT)


@dataclass
class Processes:
    """Gateways and workers that share one Temporal, one ledger and one `placet.yaml`.

    Attributes:
        folder: Of the configuration, the logs, the SQLite ledger, and what tools leave behind.
        temporal: The address of Temporal.
        environment: What they are told besides.
        worker_program: The module that is run as a worker; another one stands for another version.
        leads: What the processes of a name are told besides: each of their links may lead through a wire of its own.
    """

    folder: Path
    temporal: str
    task_queue: str
    ledger_url: str = ""
    workers: list[Part] = field(default_factory=list[Part])
    gateways: list[Part] = field(default_factory=list[Part])
    environment: dict[str, str] = field(default_factory=dict[str, str])
    worker_program: str = PLACET
    leads: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    def __post_init__(self) -> None:
        """Writes the configuration."""
        self.desk.mkdir(parents=True, exist_ok=True)
        for source in (*DESK.glob("*.py"), *BILLING.glob("*.*")):
            shutil.copy(source, self.desk)
        self.config.write_text(yaml.safe_dump(configuration(), sort_keys=False), encoding="utf-8")
        self.ledger_url = self.ledger_url or f"sqlite:///{self.ledger_file}"

    @property
    def desk(self) -> Path:
        """Where the agent lies, and where its tools leave their lines."""
        return self.folder / "desk"

    @property
    def config(self) -> Path:
        """The `placet.yaml`."""
        return self.desk / "placet.yaml"

    @property
    def shop(self) -> Path:
        """The billing desk's shop."""
        return self.folder / "shop"

    @property
    def ledger_file(self) -> Path:
        """The SQLite ledger."""
        return self.folder / "ledger.db"

    @property
    def settings(self) -> Settings:
        """What its processes are told."""
        return Settings(
            data=self.folder,
            ledger_url=self.ledger_url,
            task_queue=self.task_queue,
            temporal=ClientConfigProfile(address=self.temporal, namespace="default"),
        )

    async def temporal_client(self) -> Client:
        """Returns a client of Temporal itself, past the gateway."""
        return await connect(self.settings)

    def start_worker(self) -> Part:
        """Starts one more worker."""
        part = self._start("worker", program=self.worker_program)
        self.workers.append(part)
        return part

    def start_gateway(self, port: int | None = None) -> Part:
        """Starts one more gateway."""
        number = port or free_port()
        part = self._start("gateway", "--port", str(number), url=f"http://{LOOPBACK}:{number}")
        self.gateways.append(part)
        return part

    def up(self, *, workers: int = 1, gateways: int = 1) -> None:
        """Brings the number of living processes to these, and waits until all are ready."""
        self.workers = [part for part in self.workers if part.alive]
        self.gateways = [part for part in self.gateways if part.alive]
        while len(self.workers) > workers:
            self.workers.pop().kill()
        while len(self.gateways) < gateways:
            self.start_gateway()
        while len(self.workers) < workers:
            self.start_worker()
        for part in self.gateways:
            self.wait(lambda part=part: self._answers(part, "/readyz" if workers else "/healthz"), _START_LIMIT)

    def kill_workers(self) -> None:
        """Kills every worker with -9."""
        while self.workers:
            self.workers.pop().kill()

    def kill_gateways(self) -> list[int]:
        """Kills every gateway with -9 and returns their ports."""
        ports = [int(part.url.rpartition(":")[2]) for part in self.gateways]
        while self.gateways:
            self.gateways.pop().kill()
        return ports

    def close(self) -> None:
        """Kills everything."""
        self.kill_workers()
        self.kill_gateways()

    def wait(self, condition: Callable[[], object], limit: float = _READY_LIMIT) -> None:
        """Waits for what the processes bring about.

        Raises:
            AssertionError: They did not; with the ends of the logs.
        """
        try:
            until(condition, limit)
        except TimeoutError:
            message = f"not within {limit} s:\n{self.logs()}"
            raise AssertionError(message) from None

    def logs(self) -> str:
        """Returns the ends of the logs."""
        return "\n".join(f"--- {log.name}\n{log.read_text()[-2500:]}" for log in sorted(self.folder.glob("*.log")))

    def _answers(self, part: Part, path: str) -> bool:
        assert part.alive, part.log.read_text()[-2000:]
        try:
            return httpx.get(f"{part.url}{path}", timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def _start(self, name: str, *arguments: str, url: str = "", program: str = PLACET) -> Part:
        log = self.folder / f"{name}-{len(list(self.folder.glob(f'{name}-*.log')))}.log"
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("TEMPORAL_", "PLACET_"))},
            "PLACET_DATA": str(self.folder),
            "PLACET_CONFIG": str(self.config),
            "PLACET_LEDGER_URL": self.ledger_url,
            "PLACET_TASK_QUEUE": self.task_queue,
            "PLACET_SHUTDOWN_GRACE": "3s",
            "TEMPORAL_ADDRESS": self.temporal,
            "TEMPORAL_NAMESPACE": "default",
            "DESK_FOLDER": str(self.desk),
            "BILLING_SHOP": str(self.shop),
            **self.environment,
            **self.leads.get(name, {}),
        }
        with log.open("wb") as output:
            process = subprocess.Popen(
                launched((sys.executable, "-P", "-m", program, name, *arguments)),
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
                env=environment,
                start_new_session=True,
            )
        return Part(name, process, log, url)


def configuration() -> dict[str, Any]:
    """Returns the `placet.yaml` of the desk, with somebody of each kind and a crowd of approvers."""
    users = people().model_dump(mode="json", exclude_defaults=True)["users"]
    users |= {name: {"name": f"Person {name}", "roles": ["approver"], "keys": [mark_of(name)]} for name in CROWD}
    tools = ("note", "send", "send_soon", "send_or_stop", "pay", "set_again", "fail", "wipe", "remit", "carry")
    soon = {"effect": "ask", "expires_after": "2s"}
    return {
        "agents": {
            "desk": {
                "model": "desk_model:desk",
                "tools": [f"desk_tools:{name}" for name in tools],
                "idempotent": ["*_again"],
                "tool_timeout": "5m",
                "ask_human": True,
            },
            "billing": {
                "model": "billing_model:scripted",
                "tools": [f"billing_tools:{name}" for name in ("find_orders", "refund", "send_email")],
                "idempotent": ["find_*"],
            },
        },
        "policy": {
            "deny": ["wipe"],
            "ask": ["send", "send_email", "refund", "pay", "set_*"],
            "allow": ["note", "fail", "find_*"],
            "rules": [
                {"name": "soon", "tool": "send_soon", **soon},
                {"name": "or stop", "tool": "send_or_stop", "on_expiry": "abort", **soon},
                {"name": "never", "tool": "remit", "when": "args.amount > 1000.0", "effect": "deny"},
                {
                    "name": "large",
                    "tool": "remit",
                    "when": "args.amount > 100.0 && run.turn >= 0",
                    "effect": "ask",
                    "risk": "high",
                    "decisions": ["approve", "edit"],
                    "approvers": ["user:eve", "requester"],
                    "self_approval": True,
                    "expires_after": "3d",
                    "on_expiry": "abort",
                    "title": "Remit {args.amount} for {agent}",
                    "describe": "desk_tools:describe_remit",
                },
                {"name": "small", "tool": "remit", "when": "args.amount <= 100.0", "effect": "allow"},
            ],
        },
        "people": {"users": users},
    }
