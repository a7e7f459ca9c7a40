"""What stands in the state of a graph beside its messages: of each run the newest, for whoever shows it."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import exists, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from placet.ledger._shapes import GraphState, TurnRow
from placet.ledger._tables import runs, states


async def keep(connection: AsyncConnection, turn: TurnRow, state: GraphState) -> None:
    """Keeps the state after a turn in place of the one before; a run that has ended keeps its last."""
    over = select(exists().where(runs.c.id == turn.run_id, runs.c.ended_at.is_not(None)))
    if (await connection.execute(over)).scalar_one():
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    waits = None if state.waits is None else dict(state.waits)
    body = {"values": dict(state.values), "left_out": list(state.left_out), "waits": waits}
    row = {"turn": turn.turn, "checkpoint": turn.checkpoint, "body": body}
    new = dialect.insert(states).values(run_id=turn.run_id, **row)
    await connection.execute(new.on_conflict_do_update(index_elements=[states.c.run_id], set_=row))


async def of_run(connection: AsyncConnection, run_id: str) -> GraphState | None:
    """Returns the state after a run's newest turn; None where there is none yet, or no graph."""
    row = (await connection.execute(select(states).where(states.c.run_id == run_id))).first()
    if row is None:
        return None
    body = cast("dict[str, Any]", row.body)
    # What an older version has written says nothing of what waits.
    return GraphState(body["values"], tuple(body["left_out"]), row.checkpoint, body.get("waits"))
