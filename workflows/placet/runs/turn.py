"""One turn of a run: every call of it, each on its own, until each has a message that answers it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from placet.contracts.approvals import ApprovalInput, Outcome
from placet.contracts.calls import Args, JudgeInput, Terms, Verdict
from placet.contracts.questions import ASK_HUMAN
from placet.contracts.runs import (
    CallRef,
    ModelCall,
    ModelResult,
    RunInput,
    SettleInput,
    SettleReason,
    ToolInput,
    ToolResult,
    to_judge,
)
from placet.runs import effects
from placet.runs.asks import NOT_RUN, RAN, STOP, Asks, asked_again, what_happened, who_decided
from placet.runs.opening import open_approval

if TYPE_CHECKING:
    from placet.contracts.approvals import End
    from placet.runs.stopping import Stopping


@dataclass(frozen=True)
class Cover:
    """What lets a call through the door: the approval, its outcome, and the arguments that run.

    Attributes:
        asked_digest: Of the call as the model wanted it.
    """

    args: Args
    asked_digest: str
    approval_id: str | None = None
    outcome: Outcome | None = None


class Turn:
    """The calls of one turn."""

    def __init__(self, given: RunInput, turn: int, answer: ModelResult, stopping: Stopping) -> None:
        """Takes over the calls that the model asked for."""
        self._given = given
        self._turn = turn
        self._calls = answer.calls
        self._row = answer.turn_row
        self._asks = Asks(given, turn, answer.message_id)
        self._stopping = stopping

    async def settle_all(self) -> tuple[str, ...]:
        """Returns the message that answers each call, in the order of the calls.

        Allowed calls start at once; each gated one is released by its own decision.
        """
        unjudged = tuple(call for call in self._calls if call.args is not None and call.verdict is None)
        verdicts = _judged_with_the_answer(self._calls) | await self._judge(unjudged)
        tasks = [asyncio.create_task(self._answer(call, verdicts.get(call.index))) for call in self._calls]
        return tuple([await task for task in tasks])

    async def _judge(self, calls: tuple[ModelCall, ...]) -> dict[int, Verdict]:
        if not calls:
            return {}
        given = JudgeInput(
            calls=tuple(to_judge(call) for call in calls),
            agent=self._given.agent,
            requester=self._given.requester,
            run_id=self._given.run_id,
            thread_id=self._given.thread_id,
            turn=self._turn,
        )
        judged = await effects.judge(given, f"policy · {', '.join(call.tool for call in calls)}")
        return {call.index: verdict for call, verdict in zip(calls, judged.verdicts, strict=True)}

    async def _answer(self, call: ModelCall, verdict: Verdict | None) -> str:
        if call.problem is not None:
            return call.problem
        if verdict is None or call.args is None:
            return await self._settle(call, "denied")
        if call.tool == ASK_HUMAN:
            return await self._ask_questions(call, verdict)
        return await self._answer_tool_call(call, verdict, Cover(args=call.args, asked_digest=call.args.digest))

    async def _answer_tool_call(self, call: ModelCall, verdict: Verdict, cover: Cover) -> str:
        context: dict[str, Any] | None = None
        while True:
            if self._stopping.asked_for:
                return await self._settle(call, "cancelled", outcome=cover.outcome)
            if verdict.effect == "deny":
                return await self._settle(call, "denied", verdict_reason=verdict.reason)
            if verdict.effect == "ask" and cover.outcome is None:
                asked = await self._ask(call, verdict, cover, context)
                if isinstance(asked, str):
                    return asked
                cover = asked
                continue
            result = await self._through_the_door(call, verdict, cover)
            if isinstance(result, str):
                return result
            # What is asked about now is what would have run: after an edit, the edited call.
            call = _as_it_is_now(call, cover.args, result)
            before, verdict = verdict, (await self._judge((call,)))[call.index]
            context = asked_again(before, verdict, result.changes, cover.approval_id)
            cover = replace(cover, approval_id=None, outcome=None)

    async def _through_the_door(self, call: ModelCall, verdict: Verdict, cover: Cover) -> str | ToolResult:
        """Runs the tool; returns its message, or the answer of a door that wants a person first."""
        again = 0
        while True:
            gated = verdict.effect == "ask"
            given = ToolInput(
                call=self._ref(call, cover.approval_id),
                args=cover.args,
                gated=gated,
                approval_id=cover.approval_id,
                outcome=cover.outcome,
                again=again,
                tool_ref=call.tool_ref if gated else None,
                asked_digest=cover.asked_digest if cover.asked_digest != cover.args.digest else None,
            )
            result = await self._run(given)
            if result.status == "ask":
                return result
            if result.status != "uncertain":
                return result.message_id or ""
            settled = await self._ask_what_happened(call, verdict, cover)
            if settled is not None:
                return settled
            again += 1

    async def _run(self, given: ToolInput) -> ToolResult:
        limit = timedelta(seconds=self._given.tool_timeout_seconds)
        return await effects.run_tool(given, limit, _tool_summary(given))

    async def _ask(
        self, call: ModelCall, verdict: Verdict, cover: Cover, context: dict[str, Any] | None
    ) -> str | Cover:
        """Puts the call before a person; returns what covers it, or the message of a call that does not run."""
        terms = verdict.terms or Terms()
        approval_id, outcome = await self._open_approval(self._asks.call(call, verdict, context))
        if outcome.status == "approved" and outcome.decision is not None and call.args is not None:
            edited = outcome.decision.args_text
            runs = outcome.decision.digest
            args = Args(text=edited, digest=runs) if edited is not None else call.args
            return replace(cover, args=args, approval_id=approval_id, outcome=outcome)
        if outcome.status == "expired" and terms.on_expiry == "abort":
            self._stopping.stop("expired", f"nobody decided on {call.tool} in time")
        return await self._settle(call, _why(outcome.status), approval_id=approval_id, outcome=outcome)

    async def _ask_questions(self, call: ModelCall, verdict: Verdict) -> str:
        """Puts the model's questions before people; returns the message that holds the answers."""
        if self._stopping.asked_for:
            return await self._settle(call, "cancelled", questions=call.args)
        if verdict.effect != "ask":
            return await self._settle(call, "denied", verdict_reason=verdict.reason)
        approval_id, outcome = await self._open_approval(self._asks.questions(call, verdict))
        reason = _why(outcome.status)
        return await self._settle(call, reason, approval_id=approval_id, outcome=outcome, questions=call.args)

    async def _ask_what_happened(self, call: ModelCall, verdict: Verdict, cover: Cover) -> str | None:
        """Asks about an uncertain call; None means run it again."""
        if self._stopping.asked_for:
            return await self._settle(call, "uncertain", cover=cover)
        approval_id, outcome = await self._open_approval(self._asks.what_happened(call, verdict, cover.args))
        chosen = what_happened(outcome)
        if chosen == NOT_RUN and not self._stopping.asked_for:
            return None
        if chosen == STOP:
            by = who_decided(outcome)
            self._stopping.stop("cancelled", f"stopped after {call.tool} was left uncertain", by)
        reason: SettleReason = "ran" if chosen == RAN else "uncertain"
        return await self._settle(call, reason, approval_id=approval_id, outcome=outcome, cover=cover)

    async def _open_approval(self, given: ApprovalInput) -> tuple[str, Outcome]:
        """Starts an approval as a child and returns its id and its outcome."""
        opened = await open_approval(given, self._given, self._turn, self._stopping)
        return opened.id, await opened.outcome()

    async def _settle(
        self,
        call: ModelCall,
        reason: SettleReason,
        *,
        approval_id: str | None = None,
        outcome: Outcome | None = None,
        verdict_reason: str | None = None,
        cover: Cover | None = None,
        questions: Args | None = None,
    ) -> str:
        args = cover.args if cover else call.args
        given = SettleInput(
            call=self._ref(call, cover.approval_id if cover else None),
            reason=reason,
            approval_id=approval_id,
            outcome=outcome,
            verdict_reason=verdict_reason,
            digest=args.digest if args else None,
            questions=questions,
        )
        return (await effects.settle(given, f"{call.tool} · {reason}")).message_id

    def _ref(self, call: ModelCall, approval_id: str | None) -> CallRef:
        return CallRef(
            run_id=self._given.run_id,
            agent=self._given.agent,
            thread_id=self._given.thread_id,
            turn=self._turn,
            index=call.index,
            call_id=call.call_id,
            tool=call.tool,
            requester=self._given.requester,
            release=approval_id or self._row,
        )


def _as_it_is_now(call: ModelCall, args: Args, answer: ToolResult) -> ModelCall:
    """Returns the call with the arguments that would have run, of the tool as it is now."""
    tool = {"tool_ref": answer.tool_ref, "schema_ref": answer.schema_ref} if answer.tool_ref else {}
    return call.model_copy(update={"args": args, **tool})


def _judged_with_the_answer(calls: tuple[ModelCall, ...]) -> dict[int, Verdict]:
    return {
        call.index: Verdict(digest=call.args.digest, **dict(call.verdict))
        for call in calls
        if call.args is not None and call.verdict is not None
    }


def _tool_summary(given: ToolInput) -> str:
    tool = given.call.tool
    decision = given.outcome.decision if given.outcome else None
    if decision is None:
        return f"tool {tool} · allowed"
    by = decision.by.id.removeprefix("user:")
    return f"tool {tool} · {'edited and ' if decision.type == 'edit' else ''}approved by {by}"


def _why(status: End) -> SettleReason:
    return "superseded" if status == "approved" else status
