"""The children of `placet up` are kept running, named when they end, and all gone at the end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from placet.engine.children import Child
from placet.engine.errors import ChildFailed
from placet.engine.server import Command
from placet.engine.supervisor import Patience, Supervisor

SLEEPS = "import time; print('awake', flush=True); time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('awake', flush=True); time.sleep(600)"
ENDS = "print('awake', flush=True); raise SystemExit(7)"
WRONG = "print('placet.yaml:3: no such tool', flush=True); raise SystemExit(9)"
PARENT = (
    "import subprocess, sys\n"
    f"child = subprocess.Popen([sys.executable, '-c', {SLEEPS!r}])\n"
    "print(child.pid, flush=True); child.wait()"
)
QUICK = Patience(first=0.01, most=0.04, steady=60)


def child(folder: Path, name: str, code: str, grace: float = 5) -> Child:
    log = folder / f"{name}.log"

    async def ready() -> bool:
        return log.exists() and b"awake" in log.read_bytes()

    command = Command(arguments=(sys.executable, "-S", "-c", code), environment=dict(os.environ))
    return Child(name=name, command=command, log=log, ready=ready, grace=timedelta(seconds=grace))


@asynccontextmanager
async def running(supervisor: Supervisor) -> AsyncGenerator[asyncio.Task[None]]:
    task = asyncio.create_task(supervisor.run())
    try:
        yield task
    finally:
        await supervisor.stop()
        await asyncio.gather(task, return_exceptions=True)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def gone(pid: int) -> bool:
    """Tells whether it has ended; in a container nobody may collect an orphan's exit code."""
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] == "Z"


async def until(condition: Callable[[], object]) -> None:
    """Waits for something that has no event of its own; the test's time limit is the limit."""
    while not condition():  # noqa: ASYNC110  (another process brings it about)
        await asyncio.sleep(0.01)


async def test_all_are_ready_and_at_the_end_none_is_left(tmp_path: Path) -> None:
    supervisor = Supervisor([[child(tmp_path, "server", SLEEPS)], [child(tmp_path, "worker", SLEEPS)]], print)
    async with running(supervisor):
        await supervisor.until_ready()
        pids = supervisor.pids()
        assert set(pids) == {"server", "worker"}
        assert all(map(alive, pids.values()))
    assert not any(map(alive, pids.values()))


async def test_a_child_that_dies_is_named_and_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor([[child(tmp_path, "worker", SLEEPS)]], said.append, QUICK)
    async with running(supervisor):
        await supervisor.until_ready()
        first = supervisor.pids()["worker"]
        os.kill(first, signal.SIGKILL)
        await until(lambda: supervisor.pids().get("worker", first) != first)
    assert said == [
        f"The worker ended by signal SIGKILL; starting it again in 0.01 s (its log: {tmp_path}/worker.log)."
    ]


async def test_each_new_start_waits_twice_as_long_up_to_a_limit(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor([[child(tmp_path, "worker", ENDS)]], said.append, QUICK)
    async with running(supervisor):
        await until(lambda: len(said) >= 5)
    pauses = [line.split("again in ")[1].split(" s")[0] for line in said[:5]]
    assert pauses == ["0.01", "0.02", "0.04", "0.04", "0.04"]
    assert "ended with exit code 7" in said[0]


async def test_a_child_whose_settings_are_wrong_is_not_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "worker.log").write_text("from an earlier start\n")
    supervisor = Supervisor([[child(tmp_path, "worker", WRONG)]], said.append, QUICK)
    async with running(supervisor) as task:
        with pytest.raises(ChildFailed, match=r"placet\.yaml:3: no such tool") as caught:
            await task
    assert said == []
    assert caught.value.code == 9
    assert "earlier" not in str(caught.value)


async def test_a_child_that_was_ready_once_is_started_again_whatever_it_says(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor([[child(tmp_path, "worker", "print('awake', flush=True); " + WRONG)]], said.append, QUICK)
    supervisor.was_ready("worker")
    async with running(supervisor):
        await until(lambda: len(said) >= 2)


async def test_a_child_that_ignores_sigterm_is_killed_after_its_grace(tmp_path: Path) -> None:
    supervisor = Supervisor([[child(tmp_path, "worker", DEAF, grace=0.2)]], print)
    async with running(supervisor):
        await supervisor.until_ready()
        pid = supervisor.pids()["worker"]
    assert not alive(pid)


async def test_what_a_child_started_ends_with_it(tmp_path: Path) -> None:
    supervisor = Supervisor([[child(tmp_path, "worker", PARENT)]], print)
    async with running(supervisor):
        await supervisor.until_ready()
        numbers = [int(line) for line in (tmp_path / "worker.log").read_text().split() if line.isdigit()]
        assert alive(numbers[0])
    await until(lambda: gone(numbers[0]))


async def test_the_last_group_ends_before_the_first_is_asked_to(tmp_path: Path) -> None:
    """A worker needs its Temporal to hand in what it finished."""
    told = tmp_path / "order"
    tells = (
        "import signal, sys, time\n"
        "def end(*_):\n"
        "    time.sleep(0.2 * (sys.argv[1] == 'worker'))\n"
        f"    open({str(told)!r}, 'a').write(sys.argv[1] + ' '); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end); print('awake', flush=True)\n"
        "while True: time.sleep(1)"
    )
    children = [child(tmp_path, name, tells.replace("sys.argv[1]", repr(name))) for name in ("temporal", "worker")]
    supervisor = Supervisor([[children[0]], [children[1]]], print)
    async with running(supervisor):
        await supervisor.until_ready()
    assert told.read_text() == "worker temporal "


async def test_those_that_are_waited_for_are_named(tmp_path: Path) -> None:
    said: list[str] = []
    never = child(tmp_path, "gateway", "import time; time.sleep(600)")
    supervisor = Supervisor([[child(tmp_path, "worker", SLEEPS), never]], said.append)
    async with running(supervisor):
        waiting = asyncio.create_task(supervisor.until_ready(every=0.01, remind=0.5))
        await until(lambda: said)
        waiting.cancel()
    assert said[0].startswith("Still waiting for: ")
    assert "gateway" in said[0]


async def test_a_killed_parent_leaves_no_child() -> None:
    """The kernel ends the children: a process killed with -9 cannot."""
    program = (
        "import subprocess, sys, time\n"
        "from placet.engine.launching import launched\n"
        f"process = subprocess.Popen(launched((sys.executable, '-c', {SLEEPS!r})), start_new_session=True)\n"
        "print(process.pid, flush=True); time.sleep(600)"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    lines = [await parent.stdout.readline(), await parent.stdout.readline()]
    (pid,) = [int(line) for line in lines if line.strip() != b"awake"]
    parent.kill()
    await parent.wait()
    await until(lambda: gone(pid))
