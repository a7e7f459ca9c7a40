"""What the ledger knows of graphs: where one goes on from, and what stands in its state."""

from __future__ import annotations

from placet.ledger import _states as states
from placet.ledger import _transcripts as transcripts
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

    async def state(self, run_id: str) -> GraphState | None:
        """Returns what stands in the state of a run's graph beside its messages; None where nothing does yet."""
        async with self._database.read() as connection:
            return await states.of_run(connection, run_id)
