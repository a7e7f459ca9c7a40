"""Which superstep an interrupt is answered in: the one that said so first, and every attempt of it.

What a task has written stays with its checkpoint. A run that an operator has reset comes to that checkpoint again, asks
again, and gets another answer; but LangGraph would go on with what was written after the first one. So the answers of a
superstep are claimed beside the checkpoint before they are given.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Final, cast

from langchain_core.runnables import RunnableConfig
from langgraph.types import StateSnapshot

from placet.contracts.graphs import BREAKPOINT
from placet.graphs._pinned import Pinned
from placet.graphs._shapes import Wanted

_CHANNEL: Final = "placet_answered_in"
"""A channel that no graph has, of a task that none has: LangGraph passes over it."""
_TASKS: Final = uuid.UUID("6f9a6a6e-8a51-5d0c-9a39-0c2b9b0a6a11")


async def are_first(saver: Pinned, wanted: Wanted, before: StateSnapshot) -> bool:
    """Returns whether no other superstep has given an answer where this one is to.

    Args:
        saver: Reads from the checkpoint at which the interrupts wait.
        wanted: The superstep.
        before: The state at the checkpoint.
    """
    claims = await _claims(saver)
    waiting = {interrupt.id for interrupt in before.interrupts}
    for one in wanted.answers:
        by = claims.get(_task_of(one.interrupt))
        mine = one.interrupt in waiting if by is None else by == wanted.mark
        if not mine and one.interrupt != BREAKPOINT:
            return False
    return True


async def claim(saver: Pinned, mark: str, interrupts: Iterable[str]) -> None:
    """Notes in which superstep these interrupts are answered."""
    for one in interrupts:
        await saver.aput_writes(_head(saver), [(_CHANNEL, mark)], _task_of(one))


async def _claims(saver: Pinned) -> dict[str, str]:
    """Returns the marks of the supersteps that have claimed an answer, by the tasks that stand for their interrupts."""
    found = await saver.aget_tuple(_head(saver))
    writes = (found.pending_writes or []) if found is not None else []
    return {task: cast("str", value) for task, channel, value in writes if channel == _CHANNEL}


def _head(saver: Pinned) -> RunnableConfig:
    pin = saver.pin
    return {"configurable": {"thread_id": pin.thread_id, "checkpoint_ns": "", "checkpoint_id": pin.head}}


def _task_of(interrupt_id: str) -> str:
    return str(uuid.uuid5(_TASKS, interrupt_id))
