"""`placet up`: Temporal, worker and gateway on this machine, from the start to the last one's end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from placet.engine.data_folder import only_up
from placet.engine.plan import Plan, Serving, Wishes, make_plan, placet
from placet.engine.preparing import prepare
from placet.engine.progress import Say
from placet.engine.settings import Settings
from placet.engine.supervisor import Supervisor

_OURS: Final = timedelta(minutes=2)
"""How long a server of our own may take to answer, on a slow machine."""
_THEIRS: Final = timedelta(seconds=5)


def run_local(wishes: Wishes, say: Say, when_ready: Callable[[Settings], None], serving: Serving = placet) -> None:
    """Runs everything until SIGINT, SIGTERM or SIGHUP, and leaves no process.

    Args:
        wishes: What was asked for.
        say: Gets a sentence for everything that a person should know meanwhile.
        when_ready: Called once, when all answer, with the settings that they run with.
        serving: How worker and gateway are started.

    Raises:
        EngineError: It cannot start, or a child says that its settings are wrong.
    """
    with only_up(wishes.data):
        plan = make_plan(wishes, say, serving)
        asyncio.run(_run(plan, say, when_ready))


async def _run(plan: Plan, say: Say, when_ready: Callable[[Settings], None]) -> None:
    supervisor = Supervisor(plan.groups, say)
    stop = _on_signals(supervisor, say)
    keeping = asyncio.create_task(supervisor.run())
    starting = asyncio.create_task(_get_ready(plan, supervisor, when_ready))
    stopped = asyncio.create_task(stop.wait())
    tasks = {keeping, starting, stopped}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if done == {starting} and starting.exception() is None:
            await asyncio.wait({keeping, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        starting.cancel()
        stopped.cancel()
        await supervisor.stop()
        ends = await asyncio.gather(starting, keeping, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end


async def _get_ready(plan: Plan, supervisor: Supervisor, when_ready: Callable[[Settings], None]) -> None:
    await prepare(plan.settings, own=plan.own, patience=_OURS if plan.own else _THEIRS)
    await supervisor.until_ready()
    when_ready(plan.settings)


def _on_signals(supervisor: Supervisor, say: Say) -> asyncio.Event:
    stop = asyncio.Event()

    def asked() -> None:
        if stop.is_set():
            say("Killing what is left.")
            supervisor.kill()
        else:
            say("Stopping; started tools have 8 s. Once more: kill them.")
            stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, asked)
    return stop
