"""All activities of a worker, made from what they need."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Final

from temporalio.client import Client

from placet.agents import Agents
from placet.contracts.config import Config
from placet.effects._describing import Describing
from placet.effects._door import Door
from placet.effects._judge import JudgeActivities, Judging
from placet.effects._model import ModelActivities
from placet.effects._pending import Pendings
from placet.effects._reconcile import ReconcileActivities
from placet.effects._record import RecordActivities
from placet.effects._recorded import RecordedActivities
from placet.effects._settle import SettleActivities
from placet.effects._superstep import SuperstepActivities
from placet.effects._threads import ToolThreads
from placet.effects._tool import ToolActivities
from placet.effects._watch import NOBODY, Watch
from placet.effects._whereabouts import Whereabouts
from placet.ledger import Ledger

_STOP_LIMIT: Final = 15.0


class Effects:
    """The activities of one worker."""

    def __init__(
        self,
        client: Client,
        ledger: Ledger,
        agents: Agents,
        config: Config,
        *,
        slots: int,
        watch: Watch = NOBODY,
    ) -> None:
        """Makes the activities.

        Args:
            client: For heartbeats and for reading a workflow's own history.
            ledger: Where everything is written.
            agents: Whose models and tools run.
            config: The policy.
            slots: How many activities the worker runs at once: as many tools may block.
            watch: Is told what the activities' results do not tell.
        """
        self._agents = agents
        self._threads = ToolThreads(slots)
        self._describing = Describing(agents.descriptions)
        judging = Judging(ledger, config, self._describing, agents.schema_of)
        tools = ToolActivities(client, ledger, agents, Door(agents, config), self._threads)
        pendings = Pendings(ledger, config, judging)
        self._graphs = SuperstepActivities(client, ledger, agents.graphs, pendings, slots=slots, watch=watch)
        settling = SettleActivities(ledger, self._graphs.closed)
        self._activities: tuple[Callable[..., Any], ...] = (
            RecordActivities(ledger, watch).record,
            RecordedActivities(client).when_recorded,
            JudgeActivities(ledger, judging).judge,
            ModelActivities(ledger, agents, watch=watch, judging=judging).call_model,
            tools.run_tool,
            self._graphs.superstep,
            settling.settle,
            settling.close,
            ReconcileActivities(ledger, Whereabouts(client)).reconcile,
        )

    def activities(self) -> Sequence[Callable[..., Any]]:
        """Returns what the worker registers."""
        return self._activities

    async def start(self, changed: Callable[[], object]) -> None:
        """Tries how graphs can be run, and begins to reach the MCP servers of the agents, in the tools' loop.

        Args:
            changed: Called from that loop's thread when the agents have other tools.
        """
        await self._graphs.start()
        await self._threads.run(self._begin(changed))

    async def stop(self) -> None:
        """Ends the MCP servers, and their processes with them; a tool that blocks the loop does not hold it up."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._threads.run(self._agents.stop()), _STOP_LIMIT)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._graphs.stop(), _STOP_LIMIT)

    async def _begin(self, changed: Callable[[], object]) -> None:
        self._agents.start(changed)

    def close(self) -> None:
        """Stops the loops of users' code."""
        self._describing.close()
        self._threads.close()
        self._graphs.close()
