"""Savers that read from one checkpoint only.

The workflow holds the id of the checkpoint that counts. A saver answers a read of the graph's own state with that one
and never with the newest: a completion that was lost is applied again from what is stored, and a worker that was
stopped and wakes later leaves rows that nobody reads.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
)


@dataclass
class Pin:
    """The one checkpoint of a thread's graph that counts.

    Attributes:
        head: Its id; None where there is none yet.
        stored: Called with the metadata of each checkpoint that the graph itself stores.
        broken: What the database raised.
    """

    thread_id: str
    head: str | None
    stored: Callable[[CheckpointMetadata], None] = lambda _: None
    broken: Exception | None = None

    def holds(self, config: RunnableConfig) -> bool:
        """Returns whether a read or a write is about the graph's own state, not about a subgraph's."""
        configurable: dict[str, Any] = config.get("configurable", {})
        return not configurable.get("checkpoint_ns") and configurable.get("thread_id") == self.thread_id

    @contextmanager
    def watched(self) -> Generator[None]:
        """Notes what the database raises: that is no fault of the graph's."""
        try:
            yield
        except Exception as error:
            if isinstance(error, sqlite3.Error | OSError) or type(error).__module__.startswith("psycopg"):
                self.broken = error
            raise


class Pinned(BaseCheckpointSaver[Any]):
    """What makes a saver read from the pinned checkpoint; the copies that LangGraph makes of it share the pin.

    It stands in front of one of LangGraph's savers and does not wrap it: a wrapper would lose the list of the types
    that may be made from a checkpoint.
    """

    pin: Pin

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Returns a checkpoint, of the graph itself the pinned one."""
        if self.pin.holds(config) and not get_checkpoint_id(config):
            if self.pin.head is None:
                return None
            pinned = {**config.get("configurable", {}), "checkpoint_id": self.pin.head}
            config = cast("RunnableConfig", {**config, "configurable": pinned})
        with self.pin.watched():
            return await super().aget_tuple(config)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Stores a checkpoint; one of the graph itself is the pinned one from then on."""
        with self.pin.watched():
            saved = await super().aput(config, checkpoint, metadata, new_versions)
        if self.pin.holds(config):
            self.pin.head = checkpoint["id"]
            self.pin.stored(metadata)
        return saved

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Stores what a task has written."""
        with self.pin.watched():
            await super().aput_writes(config, writes, task_id, task_path)

    async def subgraph_began(self) -> bool:
        """Returns whether a subgraph has stored something since the pinned checkpoint: it must be resumed then."""
        raise NotImplementedError

    async def newest(self, **metadata: str) -> str | None:
        """Returns the newest checkpoint of the graph itself that has all of this in its metadata."""
        config = cast("RunnableConfig", {"configurable": {"thread_id": self.pin.thread_id, "checkpoint_ns": ""}})
        with self.pin.watched():
            async for found in self.alist(config, filter=metadata, limit=1):
                return found.checkpoint["id"]
        return None
