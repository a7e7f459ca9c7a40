"""Effects of a run without a world: scripted turns and verdicts, and a diary of what was asked for."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from placet.contracts.approvals import Asked
from placet.contracts.calls import Args, JudgeInput, Judgement, JudgeResult, Terms, Verdict
from placet.contracts.canonical import canonical_text, digest
from placet.contracts.questions import ASK_HUMAN, AskHuman, question_args
from placet.contracts.records import EndedEntry, RecordInput, RecordResult
from placet.contracts.runs import (
    Change,
    CloseInput,
    CloseResult,
    ModelCall,
    ModelInput,
    ModelResult,
    SettleInput,
    SettleResult,
    ToolInput,
    ToolResult,
)
from placet.effects._recorded import RecordedActivities
from placet.runs import effects
from placet.worker import WORKFLOWS, runner

_PATIENCE: Final = 15.0


def a_call(index: int, tool: str, **args: Any) -> ModelCall:
    """Returns a call as the model activity hands it to the run."""
    text = canonical_text(args)
    return ModelCall(index=index, call_id=f"call_{index}", tool=tool, args=Args(text=text, digest=digest(tool, text)))


def a_question(index: int, *questions: dict[str, Any], **frame: Any) -> ModelCall:
    """Returns a call of `ask_human` as the model activity hands it to the run."""
    asked = AskHuman.model_validate({"questions": questions})
    call = a_call(index, ASK_HUMAN, **question_args(asked.questions))
    return call.model_copy(update=frame)


@dataclass
class FakeEffects:
    """The activities of a run, as a test wants them.

    Attributes:
        turns: The calls of each turn; after the last the model calls nothing.
        verdicts: By tool: what policy says. A tool that is not named is allowed.
        terms: Of every ask.
        outcomes: By tool: what becomes of its runs, one after the other; succeeded where nothing is left.
        diary: What happened, as short words in order.
        hold: A tool named here does not return before its event is set.
        answers_judged: Policy has judged the calls of an answer before the run learns of them.
        cut: What stopped each answer in the middle.
    """

    turns: Sequence[Sequence[ModelCall]]
    verdicts: dict[str, str] = field(default_factory=dict[str, str])
    terms: Terms = field(default_factory=Terms)
    outcomes: dict[str, deque[str]] = field(default_factory=lambda: defaultdict[str, deque[str]](deque))
    hold: dict[str, asyncio.Event] = field(default_factory=dict[str, asyncio.Event])
    model_fails: bool = False
    answers_judged: bool = False
    cut: str | None = None
    judged: list[JudgeInput] = field(default_factory=list[JudgeInput])
    diary: list[str] = field(default_factory=list[str])
    asked: dict[str, Asked] = field(default_factory=dict[str, Asked])
    ended: dict[str, str] = field(default_factory=dict[str, str])
    ran: list[ToolInput] = field(default_factory=list[ToolInput])
    settled: list[SettleInput] = field(default_factory=list[SettleInput])
    heard: list[ModelInput] = field(default_factory=list[ModelInput])
    closed: list[CloseInput] = field(default_factory=list[CloseInput])

    def worker(self, client: Client, task_queue: str) -> Worker:
        """Returns a worker of our workflows with these effects."""
        return Worker(
            client,
            task_queue=task_queue,
            workflows=WORKFLOWS,
            activities=[
                self.record,
                self.call_model,
                self.judge,
                self.run_tool,
                self.settle,
                self.close,
                RecordedActivities(client).when_recorded,
            ],
            workflow_runner=runner(),
            build_id="test",
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns as soon as the condition holds; a test that waits in vain fails."""
        async with asyncio.timeout(_PATIENCE):
            while not condition():  # noqa: ASYNC110 - the condition is any
                await asyncio.sleep(0.01)

    async def approval_of(self, index: int, kind: str = "tool_call") -> Asked:
        """Returns the open approval of a call as soon as it is asked for."""
        await self.until(lambda: self._open(index, kind) is not None)
        found = self._open(index, kind)
        assert found is not None
        return found

    def _open(self, index: int, kind: str) -> Asked | None:
        for one in self.asked.values():
            if one.index == index and one.kind == kind and one.id not in self.ended:
                return one
        return None

    @activity.defn(name=effects.RECORD)
    async def record(self, given: RecordInput) -> RecordResult:
        """Keeps what approvals tell."""
        if given.asked is not None:
            self.asked[given.approval_id] = given.asked
        for entry in given.entries:
            if isinstance(entry, EndedEntry):
                self.ended[given.approval_id] = entry.status
        return RecordResult()

    @activity.defn(name=effects.MODEL)
    async def call_model(self, given: ModelInput) -> ModelResult:
        """Answers with the calls of the turn."""
        self.heard.append(given)
        if self.model_fails:
            message = "The model call failed: it is out"
            raise ApplicationError(message, non_retryable=True)
        if "model" in self.hold:
            await self.hold["model"].wait()
        calls = self.turns[given.turn] if given.turn < len(self.turns) else ()
        if self.answers_judged:
            calls = [call.model_copy(update={"verdict": self._judgement(call.tool)}) for call in calls]
        row, said = f"turn{given.turn}", f"said{given.turn}"
        return ModelResult(turn_row=row, message_id=said, calls=tuple(calls), cut=self.cut)

    @activity.defn(name=effects.JUDGE)
    async def judge(self, given: JudgeInput) -> JudgeResult:
        """Judges by the tool's name."""
        self.judged.append(given)
        verdicts = [
            Verdict(digest=digest(call.tool, call.args_text or "{}"), **dict(self._judgement(call.tool)))
            for call in given.calls
        ]
        return JudgeResult(verdicts=tuple(verdicts))

    def _judgement(self, tool: str) -> Judgement:
        effect = self.verdicts.get(tool, "allow")
        return Judgement.model_validate({"effect": effect, "terms": self.terms, "title": tool})

    @activity.defn(name=effects.TOOL)
    async def run_tool(self, given: ToolInput) -> ToolResult:
        """Notes the call, holds it where the test says so, and ends it as the test says."""
        tool = given.call.tool
        self.ran.append(given)
        self.diary.append(f"start {tool}{given.call.index}")
        if tool in self.hold:
            await self.hold[tool].wait()
        outcome = self.outcomes[tool].popleft() if self.outcomes[tool] else "succeeded"
        self.diary.append(f"{outcome} {tool}{given.call.index}")
        if outcome == "changed":
            changes = (Change(what="description", before="Old.", after="New."),)
            return ToolResult(status="ask", changes=changes, tool_ref="tool-now", schema_ref="schema-now")
        if outcome in {"ask", "uncertain"}:
            return ToolResult.model_validate({"status": outcome})
        return ToolResult.model_validate({"status": outcome, "message_id": f"ran{given.call.index}"})

    @activity.defn(name=effects.SETTLE)
    async def settle(self, given: SettleInput) -> SettleResult:
        """Notes why the call did not run."""
        self.settled.append(given)
        self.diary.append(f"{given.reason} {given.call.tool}{given.call.index}")
        return SettleResult(message_id=f"settled{given.call.index}")

    @activity.defn(name=effects.CLOSE)
    async def close(self, given: CloseInput) -> CloseResult:
        """Notes the end."""
        self.closed.append(given)
        self.diary.append(f"close {given.status}")
        return CloseResult()
