"""Messages and turns: rows that never change, and the transcript that a turn row names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast

from sqlalchemy import Row, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from placet.contracts.events import TurnCompleted
from placet.contracts.runs import CallRef, ModelCall
from placet.ledger import _states as states
from placet.ledger._events import NewEvent, append, insert_once
from placet.ledger._said import bare, whole
from placet.ledger._shapes import GraphStart, MessageDict, ThreadHead, TurnRow
from placet.ledger._tables import calls, messages, runs, turns
from placet.ledger.errors import UnknownTurnError

_IDS_AT_ONCE: Final = 500
_ELSEWHERE: Final = {"args", "context", "schema_ref", "tool_ref", "verdict"}
"""Of a turn's calls: it is in the answer's message, in the log, or only history wants it."""


async def put_message(
    connection: AsyncConnection,
    message_id: str,
    run_id: str,
    message: MessageDict,
    answers: CallRef | None = None,
) -> None:
    """Keeps a message; a second one under its id changes nothing."""
    row = {
        "id": message_id,
        "run_id": run_id,
        "turn": answers.turn if answers else None,
        "call_index": answers.index if answers else None,
        "body": bare(message, message_id),
        "kept": datetime.now(UTC),
    }
    await insert_once(connection, messages, row)


async def put_turn(
    connection: AsyncConnection,
    turn: TurnRow,
    own: Mapping[str, MessageDict],
    completed: TurnCompleted | None,
    at: datetime,
) -> None:
    """Keeps a turn with its messages; a turn of the model's is its run's head then, until the run ends."""
    for message_id, message in own.items():
        await put_message(connection, message_id, turn.run_id, message)
    row = {
        "id": turn.id,
        "run_id": turn.run_id,
        "thread_id": turn.thread_id,
        "turn": turn.turn,
        "parent_turn": turn.parent_turn,
        "results": turn.results,
        "messages": turn.message_ids,
        "calls": [call.model_dump(mode="json", exclude=_ELSEWHERE, exclude_defaults=True) for call in turn.calls],
        "checkpoint": turn.checkpoint,
    }
    if not await insert_once(connection, turns, row):
        return
    if turn.state is not None:
        await states.keep(connection, turn, turn.state)
    if completed is None:
        return
    going_on = runs.c.id == turn.run_id, runs.c.ended_at.is_(None)
    await connection.execute(update(runs).where(*going_on).values(head=turn.id))
    query = select(runs.c.agent).where(runs.c.id == turn.run_id)
    agent = (await connection.execute(query)).scalar()
    actor = f"agent:{agent}" if agent else None
    event = NewEvent(type="turn.completed", at=at, data=completed, run_id=turn.run_id, actor=actor)
    await append(connection, [event])


async def turn(connection: AsyncConnection, turn_id: str) -> TurnRow | None:
    """Returns a turn row."""
    row = (await connection.execute(select(turns).where(turns.c.id == turn_id))).first()
    return as_turn(row) if row else None


def as_turn(row: Row[Any]) -> TurnRow:
    """Returns a row as a turn."""
    return TurnRow(
        id=row.id,
        run_id=row.run_id,
        thread_id=row.thread_id,
        turn=row.turn,
        parent_turn=row.parent_turn,
        message_ids=tuple(row.messages),
        results=tuple(row.results),
        calls=tuple(ModelCall.model_validate(call) for call in row.calls),
        checkpoint=row.checkpoint,
    )


async def transcript(connection: AsyncConnection, turn_id: str, behind: str | None = None) -> list[MessageDict]:
    """Returns the messages from the root, or from behind another turn, to the turn."""
    ids: list[str] = []
    for row in await _line(connection, turn_id, behind):
        ids += [*row.results, *row.messages]
    return await by_ids(connection, ids)


async def graph_start(connection: AsyncConnection, turn_id: str, agent: str) -> GraphStart:
    """Returns where a graph goes on from at a turn: its last checkpoint, and what was said since."""
    line = await _line(connection, turn_id)
    owners = select(runs.c.id).where(runs.c.agent == agent, runs.c.id.in_({row.run_id for row in line}))
    own = set((await connection.execute(owners)).scalars())
    last = max(
        (place for place, row in enumerate(line) if row.checkpoint is not None and row.run_id in own), default=None
    )
    since = line if last is None else line[last + 1 :]
    ids = [message_id for row in since for message_id in (*row.results, *row.messages)]
    checkpoint = None if last is None else line[last].checkpoint
    open_calls = select(calls.c.call_id).where(calls.c.run_id.in_(own), calls.c.state.in_(("started", "uncertain")))
    uncertain = frozenset((await connection.execute(open_calls)).scalars())
    return GraphStart(checkpoint, await _named(connection, ids), uncertain)


async def by_ids(connection: AsyncConnection, ids: Sequence[str]) -> list[MessageDict]:
    """Returns messages in the order of the ids; an id that is not there has none."""
    found = await _named(connection, ids)
    return [found[message_id] for message_id in ids if message_id in found]


async def _named(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, MessageDict]:
    found: dict[str, MessageDict] = {}
    for start in range(0, len(ids), _IDS_AT_ONCE):
        some = ids[start : start + _IDS_AT_ONCE]
        rows = await connection.execute(select(messages.c.id, messages.c.body).where(messages.c.id.in_(some)))
        found.update({row.id: cast("MessageDict", whole(row.body, row.id)) for row in rows})
    return {message_id: found[message_id] for message_id in ids if message_id in found}


async def thread_head(connection: AsyncConnection, thread_id: str) -> ThreadHead:
    """Returns where the thread's next run goes on from."""
    of_thread = runs.c.thread_id == thread_id
    count = (await connection.execute(select(func.count()).where(of_thread))).scalar_one()
    newest = (runs.c.started_at.desc(), runs.c.id.desc())
    query = select(runs.c.head, runs.c.input_turn, runs.c.results).where(of_thread).order_by(*newest).limit(1)
    last = (await connection.execute(query)).first()
    if last is None:
        return ThreadHead(runs=0)
    return ThreadHead(runs=count, turn_id=last.head or last.input_turn, results=tuple(last.results))


async def results_so_far(connection: AsyncConnection, head: TurnRow) -> list[MessageDict]:
    """Returns the latest message that answers each call of a turn, in call order."""
    query = (
        select(messages.c.id, messages.c.call_index, messages.c.body)
        .where(messages.c.run_id == head.run_id, messages.c.turn == head.turn, messages.c.call_index.is_not(None))
        .order_by(messages.c.kept)
    )
    rows = await connection.execute(query)
    latest = {row.call_index: cast("MessageDict", whole(row.body, row.id)) for row in rows}
    return [latest[call.index] for call in head.calls if call.index in latest]


async def _line(connection: AsyncConnection, turn_id: str, behind: str | None = None) -> Sequence[Row[Any]]:
    """Returns the turns from the root, or from behind another one, to this one."""
    line = (
        select(turns.c.id, turns.c.parent_turn, literal(0).label("back"))
        .where(turns.c.id == turn_id)
        .cte("line", recursive=True)
    )
    line = line.union_all(
        select(turns.c.id, turns.c.parent_turn, line.c.back + 1).where(
            turns.c.id == line.c.parent_turn, turns.c.id.is_distinct_from(behind)
        )
    )
    query = select(turns).join(line, line.c.id == turns.c.id).order_by(line.c.back.desc())
    rows = (await connection.execute(query)).all()
    if not rows or rows[0].parent_turn != behind:
        raise UnknownTurnError(turn_id)
    return rows


def text_of(message: MessageDict) -> str:
    """Returns the text of a message whose content is text or LangChain content blocks."""
    content: object = message["data"].get("content")
    if isinstance(content, str):
        return content
    blocks = cast("list[object]", content) if isinstance(content, list) else []
    return "".join(_block_text(block) for block in blocks)


def _block_text(block: object) -> str:
    if isinstance(block, str):
        return block
    fields = cast("dict[str, object]", block) if isinstance(block, dict) else {}
    kind = str(fields.get("type"))
    return str(fields.get(kind) or "") if kind in {"refusal", "text"} else ""
