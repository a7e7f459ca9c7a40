"""A run of an agent without Temporal: the real activities of models, tools and settling, on a real ledger."""

from __future__ import annotations

import sys
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from langchain_core.messages import HumanMessage, message_to_dict
from temporalio.client import AsyncActivityHandle, Client
from temporalio.testing import ActivityEnvironment

from placet.agents import Agents
from placet.contracts.config import Config, PolicyConfig
from placet.contracts.runs import (
    CallRef,
    CloseInput,
    ModelCall,
    ModelInput,
    ModelResult,
    SettleInput,
    SettleReason,
    ToolInput,
)
from placet.effects._door import Door
from placet.effects._model import ANSWER_LIMIT, ModelActivities
from placet.effects._settle import SettleActivities
from placet.effects._threads import ToolThreads
from placet.effects._tool import ToolActivities
from placet.ledger import Ledger, MessageDict, TurnRow


class AcceptingHeartbeats:
    """Temporal's side of heartbeats, always content."""

    def get_async_activity_handle(self, *, task_token: bytes) -> AsyncActivityHandle:
        """Returns itself: one activity is all that there is."""
        del task_token
        return cast("AsyncActivityHandle", self)

    async def heartbeat(self, *, rpc_timeout: timedelta) -> None:
        """Takes a heartbeat."""
        del rpc_timeout


@dataclass
class Conversation:
    """A thread of one agent, and the run that is under way in it."""

    ledger: Ledger
    agents: Agents
    agent: str
    answer_limit: timedelta = ANSWER_LIMIT
    thread_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    run_id: str = ""
    head: str = ""
    turn: int = 0
    results: tuple[str, ...] = ()
    answer: ModelResult | None = None
    threads: ToolThreads = field(default_factory=lambda: ToolThreads(4))

    async def begin(self, content: Any = "Refund order 7.") -> None:
        """Starts a run with a message of a person."""
        self.run_id, turn_id = f"run-{uuid.uuid4()}", uuid.uuid4().hex
        message = {"said": message_to_dict(HumanMessage(content))}
        messages = {f"{turn_id}-{name}": one for name, one in message.items()}
        row = TurnRow(
            id=turn_id,
            run_id=self.run_id,
            thread_id=self.thread_id,
            turn=-1,
            parent_turn=self.head or None,
            message_ids=tuple(messages),
            results=self.results,
        )
        await self.ledger.put_turn(row, messages)
        self.head, self.turn, self.results = turn_id, 0, ()

    async def ask(self) -> ModelResult:
        """Calls the model with everything so far."""
        given = ModelInput(
            run_id=self.run_id,
            agent=self.agent,
            thread_id=self.thread_id,
            turn=self.turn,
            parent_turn=self.head,
            results=self.results,
            started_at=datetime.now(UTC),
        )
        activities = ModelActivities(self.ledger, self.agents, self.answer_limit)
        self.answer = await ActivityEnvironment().run(activities.call_model, given)
        self.head, self.results, self.turn = self.answer.turn_row, (), self.turn + 1
        return self.answer

    async def settle(self, reasons: Mapping[int, SettleReason] | None = None) -> None:
        """Gives each call of the turn its message: the tool runs, unless there is a reason why not."""
        assert self.answer is not None
        results: list[str] = []
        for call in self.answer.calls:
            reason = (reasons or {}).get(call.index)
            results.append(call.problem or await (self._not_run(call, reason) if reason else self._run(call)))
        self.results = tuple(results)

    async def to_the_end(self, content: Any = "Refund order 7.") -> str:
        """Returns the output of a run whose calls all run."""
        await self.begin(content)
        while (await self.ask()).calls:
            await self.settle()
        assert self.answer is not None
        closing = CloseInput(
            run_id=self.run_id,
            agent=self.agent,
            thread_id=self.thread_id,
            status="completed",
            message_id=self.answer.message_id,
            last_turn=self.head,
        )
        await ActivityEnvironment().run(SettleActivities(self.ledger).close, closing)
        run = await self.ledger.run(self.run_id, datetime.now(UTC))
        assert run is not None
        return run.output or ""

    async def messages(self) -> list[MessageDict]:
        """Returns the transcript as GET `/messages` shows it."""
        return await self.ledger.run_messages(self.run_id)

    def ref(self, call: ModelCall) -> CallRef:
        """Returns which call it is."""
        return CallRef(
            run_id=self.run_id,
            agent=self.agent,
            thread_id=self.thread_id,
            turn=self.turn - 1,
            index=call.index,
            call_id=call.call_id,
            tool=call.tool,
        )

    async def _run(self, call: ModelCall) -> str:
        assert call.args is not None
        config = Config(policy=PolicyConfig(allow=("*",)))
        client = cast("Client", AcceptingHeartbeats())
        activities = ToolActivities(client, self.ledger, self.agents, Door(self.agents, config), self.threads)
        result = await ActivityEnvironment().run(activities.run_tool, ToolInput(call=self.ref(call), args=call.args))
        assert result.message_id, result
        return result.message_id

    async def _not_run(self, call: ModelCall, reason: SettleReason) -> str:
        given = SettleInput(call=self.ref(call), reason=reason)
        return (await ActivityEnvironment().run(SettleActivities(self.ledger).settle, given)).message_id


Begun = Callable[..., Conversation]


@asynccontextmanager
async def conversing(folder: Path, config: Callable[[Path], Config]) -> AsyncGenerator[Begun]:
    """Gives what begins conversations with the agents of a folder, on the ledger that lies there."""
    ledger = Ledger.at(str(folder / "ledger.db"))
    made: list[Conversation] = []
    path, modules = list(sys.path), set(sys.modules)

    def begin(agent: str, **how: Any) -> Conversation:
        found = config(folder / "placet.yaml")
        made.append(Conversation(ledger, Agents.load(found, folder), agent, **how))
        return made[-1]

    yield begin
    for one in made:
        one.threads.close()
    await ledger.close()
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if (folder / f"{name}.py").exists():
            del sys.modules[name]
