"""What the ledger knows of graphs: where one goes on from, and what stands in its state."""

from __future__ import annotations

from placet.contracts.runs import CallRef
from placet.ledger import _calls as calls
from placet.ledger import _states as states
from placet.ledger import _transcripts as transcripts
from placet.ledger._calls import Claim
from placet.ledger._database import Database
from placet.ledger._shapes import GraphStart, GraphState


class Graphs:
    """What is kept of runs of graphs, beside what is kept of every run."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def start(self, turn_id: str, agent: str) -> GraphStart:
        """Returns where a graph goes on from at a turn: its last checkpoint, and what was said since."""
        async with self._database.read() as connection:
            return await transcripts.graph_start(connection, turn_id, agent)

    async def let_go(self, call: CallRef, again: int, owner: str) -> None:
        """Leaves a call's row to the next attempt: its tool waits for somebody, and then runs from its top.

        Args:
            call: Which call.
            again: As for `start_call`.
            owner: As for `start_call`; where the row is another's it stays so.
        """
        async with self._database.write() as connection:
            await calls.let_go(connection, Claim(call, "", again, owner))

    async def state(self, run_id: str) -> GraphState | None:
        """Returns what stands in the state of a run's graph beside its messages; None where nothing does yet."""
        async with self._database.read() as connection:
            return await states.of_run(connection, run_id)
