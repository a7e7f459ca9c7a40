"""Which superstep an interrupt is answered in: the one that said so first, and every attempt of it.

What a task has written stays with its checkpoint. A run that an operator has reset comes to that checkpoint again, asks
again, and gets another answer; but LangGraph would go on with what was written after the first one. So the answers of a
superstep are claimed beside the checkpoint before they are given.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Final

from langchain_core.runnables import RunnableConfig
from langgraph.types import StateSnapshot

from placet.contracts.graphs import BREAKPOINT
from placet.graphs._pinned import Pinned
from placet.graphs._shapes import Wanted

_CLAIM: Final = "placet_answered_in"
"""A channel that no graph has, of a task that none has: LangGraph passes over it."""
_RELEASE: Final = "placet_not_answered_in"
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
        by = claims.get(one.interrupt, set())
        mine = by == {wanted.mark} if by else one.interrupt in waiting
        if not mine and one.interrupt != BREAKPOINT:
            return False
    return True


async def claim(saver: Pinned, mark: str, interrupts: Iterable[str]) -> None:
    """Notes that these interrupts are answered in a superstep."""
    await _note(saver, _CLAIM, mark, interrupts)


async def release(saver: Pinned, mark: str, interrupts: Iterable[str]) -> None:
    """Notes that the graph has refused the answers, so that others may be given."""
    await _note(saver, _RELEASE, mark, interrupts)


async def _note(saver: Pinned, channel: str, mark: str, interrupts: Iterable[str]) -> None:
    for one in interrupts:
        task = uuid.uuid5(_TASKS, f"{channel} {one} {mark}")
        await saver.aput_writes(_head(saver), [(channel, [one, mark])], str(task))


async def _claims(saver: Pinned) -> dict[str, set[str]]:
    """Returns the marks of the supersteps that answer each interrupt, or have answered it."""
    found = await saver.aget_tuple(_head(saver))
    writes = (found.pending_writes or []) if found is not None else []
    released = [value for _, channel, value in writes if channel == _RELEASE]
    claims = dict[str, set[str]]()
    for _, channel, value in writes:
        if channel == _CLAIM and value not in released:
            claims.setdefault(value[0], set()).add(value[1])
    return claims


def _head(saver: Pinned) -> RunnableConfig:
    pin = saver.pin
    return {"configurable": {"thread_id": pin.thread_id, "checkpoint_ns": "", "checkpoint_id": pin.head}}
