"""One turn of a run: every call of it, each on its own, until each has a message that answers it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError

from placet.contracts.approvals import ApprovalInput, Outcome
from placet.contracts.calls import Args, JudgeCall, JudgeInput, Terms, Verdict
from placet.contracts.questions import Option, Question
from placet.contracts.runs import (
    CallRef,
    ModelCall,
    ModelResult,
    RunInput,
    SettleInput,
    SettleReason,
    ToolInput,
    ToolResult,
)
from placet.runs import effects

if TYPE_CHECKING:
    from collections.abc import Callable

    from placet.contracts.approvals import End

APPROVAL_TASK_TIMEOUT: Final = timedelta(seconds=5)

RAN: Final = "ran"
NOT_RUN: Final = "not_run"
STOP: Final = "stop"

_UNCERTAIN: Final = Question(
    id="what_happened",
    question=(
        "A crash left it open whether this call ran. Look at what it would have changed, then say what happened."
    ),
    options=(
        Option(id=RAN, label="It ran", description="The text is given to the model as its result."),
        Option(id=NOT_RUN, label="It did not run", description="Run it again."),
        Option(id=STOP, label="Stop", description="End the run."),
    ),
    allow_text=True,
)


@dataclass
class Stopping:
    """Why the run starts nothing more: cancelled, aborted by an expiry, or stopped by a person.

    Attributes:
        end: How the run will end; None while it goes on.
        waiting: The approvals that are open; they are cancelled when the run stops.
    """

    end: End | None = None
    reason: str | None = None
    waiting: dict[str, workflow.ChildWorkflowHandle[object, Outcome]] = field(
        default_factory=dict[str, "workflow.ChildWorkflowHandle[object, Outcome]"]
    )
    tell: Callable[[], None] = lambda: None

    @property
    def asked_for(self) -> bool:
        """Whether anything may still be started."""
        return self.end is not None or workflow.cancellation_reason() is not None

    def stop(self, end: End, reason: str | None = None) -> None:
        """Starts nothing more and withdraw what waits; the first reason stays."""
        if self.end is None:
            self.end, self.reason = end, reason
        for handle in self.waiting.values():
            handle.cancel()


@dataclass(frozen=True)
class Cover:
    """What lets a call through the door: the approval, its outcome, and the arguments that run."""

    args: Args
    gated: bool = False
    approval_id: str | None = None
    outcome: Outcome | None = None


class Turn:
    """The calls of one turn."""

    def __init__(self, given: RunInput, turn: int, answer: ModelResult, stopping: Stopping) -> None:
        """Takes over the calls that the model asked for."""
        self._given = given
        self._turn = turn
        self._calls = answer.calls
        self._says = answer.message_id
        self._stopping = stopping

    async def settle_all(self) -> tuple[str, ...]:
        """Returns the message that answers each call, in the order of the calls.

        Allowed calls start at once; each gated one is released by its own decision.
        """
        verdicts = await self._judge(tuple(call for call in self._calls if call.args is not None))
        tasks = [asyncio.create_task(self._answer(call, verdicts.get(call.index))) for call in self._calls]
        return tuple([await task for task in tasks])

    async def _judge(self, calls: tuple[ModelCall, ...]) -> dict[int, Verdict]:
        if not calls:
            return {}
        given = JudgeInput(
            calls=tuple(_to_judge(call) for call in calls),
            agent=self._given.agent,
            requester=self._given.requester,
            run_id=self._given.run_id,
            turn=self._turn,
        )
        judged = await effects.judge(given, f"policy · {', '.join(call.tool for call in calls)}")
        return {call.index: verdict for call, verdict in zip(calls, judged.verdicts, strict=True)}

    async def _answer(self, call: ModelCall, verdict: Verdict | None) -> str:
        if call.problem is not None:
            return call.problem
        if verdict is None or call.args is None:
            return await self._settle(call, "denied")
        cover = Cover(args=call.args)
        while True:
            if self._stopping.asked_for:
                return await self._settle(call, "cancelled", outcome=cover.outcome)
            if verdict.effect == "deny":
                return await self._settle(call, "denied", verdict_reason=verdict.reason)
            if verdict.effect == "ask" and cover.outcome is None:
                asked = await self._ask(call, verdict)
                if isinstance(asked, str):
                    return asked
                cover = asked
                continue
            again = await self._through_the_door(call, verdict, cover)
            if isinstance(again, str):
                return again
            verdict, cover = again, Cover(args=call.args)

    async def _through_the_door(self, call: ModelCall, verdict: Verdict, cover: Cover) -> str | Verdict:
        """Runs the tool; return its message, or the verdict of a policy that wants a person now."""
        again = 0
        while True:
            given = ToolInput(
                call=self._ref(call),
                args=cover.args,
                gated=verdict.effect == "ask",
                approval_id=cover.approval_id,
                outcome=cover.outcome,
                again=again,
            )
            result = await self._run(given)
            if result.status == "ask":
                return (await self._judge((call,)))[call.index]
            if result.status != "uncertain":
                return result.message_id or ""
            settled = await self._ask_what_happened(call, verdict, cover)
            if settled is not None:
                return settled
            again += 1

    async def _run(self, given: ToolInput) -> ToolResult:
        limit = timedelta(seconds=self._given.tool_timeout_seconds)
        return await effects.run_tool(given, limit, _tool_summary(given))

    async def _ask(self, call: ModelCall, verdict: Verdict) -> str | Cover:
        """Puts the call before a person; return what covers it, or the message of a call that does not run."""
        terms = verdict.terms or Terms()
        approval_id, outcome = await self._open_approval(self._approval(call, verdict, terms))
        if outcome.status == "approved" and outcome.decision is not None and call.args is not None:
            edited = outcome.decision.args_text
            runs = outcome.decision.digest
            args = Args(text=edited, digest=runs) if edited is not None else call.args
            return Cover(args, gated=True, approval_id=approval_id, outcome=outcome)
        if outcome.status == "expired" and terms.on_expiry == "abort":
            self._stopping.stop("expired", f"nobody decided on {call.tool} in time")
        return await self._settle(call, _why(outcome.status), approval_id=approval_id, outcome=outcome)

    async def _ask_what_happened(self, call: ModelCall, verdict: Verdict, cover: Cover) -> str | None:
        """Asks about an uncertain call; None means run it again."""
        if self._stopping.asked_for:
            return await self._settle(call, "uncertain", digest=cover.args.digest)
        question = self._question(call, verdict.terms or Terms())
        approval_id, outcome = await self._open_approval(question)
        chosen = _chosen(outcome)
        if chosen == NOT_RUN and not self._stopping.asked_for:
            return None
        if chosen == STOP:
            self._stopping.stop("cancelled", f"stopped after {call.tool} was left uncertain")
        reason: SettleReason = "ran" if chosen == RAN else "uncertain"
        return await self._settle(call, reason, approval_id=approval_id, outcome=outcome, digest=cover.args.digest)

    async def _open_approval(self, given: ApprovalInput) -> tuple[str, Outcome]:
        """Starts an approval as a child and return its id and its outcome."""
        approval_id = workflow.uuid4().hex
        handle = await workflow.start_child_workflow(
            "Approval",
            given,
            id=f"approval-{approval_id}",
            result_type=Outcome,
            task_timeout=APPROVAL_TASK_TIMEOUT,
            parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
            static_summary=effects.short(f"{given.kind} · {given.tool} · {given.risk} risk"),
            static_details=f"Asked by run `{given.run_id}`, agent {given.agent}, turn {given.turn}.",
        )
        self._stopping.waiting[approval_id] = handle
        self._stopping.tell()
        if self._stopping.asked_for:
            handle.cancel()
        outcome = await _outcome_of(handle, given)
        # Not in a finally: an eviction from the cache closes this coroutine outside any workflow task.
        del self._stopping.waiting[approval_id]
        self._stopping.tell()
        return approval_id, outcome

    async def _settle(
        self,
        call: ModelCall,
        reason: SettleReason,
        *,
        approval_id: str | None = None,
        outcome: Outcome | None = None,
        verdict_reason: str | None = None,
        digest: str | None = None,
    ) -> str:
        given = SettleInput(
            call=self._ref(call),
            reason=reason,
            approval_id=approval_id,
            outcome=outcome,
            verdict_reason=verdict_reason,
            digest=digest or (call.args.digest if call.args else None),
        )
        return (await effects.settle(given, f"{call.tool} · {reason}")).message_id

    def _ref(self, call: ModelCall) -> CallRef:
        return CallRef(
            run_id=self._given.run_id,
            agent=self._given.agent,
            thread_id=self._given.thread_id,
            turn=self._turn,
            index=call.index,
            call_id=call.call_id,
            tool=call.tool,
            requester=self._given.requester,
        )

    def _approval(self, call: ModelCall, verdict: Verdict, terms: Terms) -> ApprovalInput:
        args = call.args
        return self._input(call, terms).model_copy(
            update={
                "kind": "tool_call",
                "questions": (),
                "args_text": args.text if args else None,
                "args_ref": args.ref if args else None,
                "args_schema_ref": call.schema_ref,
                "digest": verdict.digest,
                "title": verdict.title or call.tool,
                "reason": verdict.reason,
                "rule": verdict.rule,
                "decisions": terms.decisions,
                "expires_after": terms.expires_after,
                "on_expiry": terms.on_expiry,
            }
        )

    def _question(self, call: ModelCall, terms: Terms) -> ApprovalInput:
        title = f"Did {call.tool} run?"
        return self._input(call, terms).model_copy(
            update={"questions": (_UNCERTAIN,), "title": title, "expires_after": "never"}
        )

    def _input(self, call: ModelCall, terms: Terms) -> ApprovalInput:
        return ApprovalInput(
            kind="question",
            questions=(_UNCERTAIN,),
            tool=call.tool,
            title=call.tool,
            approvers=terms.approvers,
            self_approval=terms.self_approval,
            risk=terms.risk,
            agent=self._given.agent,
            call_id=call.call_id,
            run_id=self._given.run_id,
            thread_id=self._given.thread_id,
            turn=self._turn,
            index=call.index,
            requester=self._given.requester,
            says_ref=self._says,
        )


async def _outcome_of(handle: workflow.ChildWorkflowHandle[object, Outcome], given: ApprovalInput) -> Outcome:
    """Returns the approval's outcome; one that an operator ended by force counts as cancelled."""
    try:
        return await handle
    except ChildWorkflowError:
        return Outcome(status="cancelled", digest=given.digest or "", reason="gone")


def _to_judge(call: ModelCall) -> JudgeCall:
    return JudgeCall(
        tool=call.tool,
        args_text=call.args.text if call.args else None,
        args_ref=call.args.ref if call.args else None,
        call_id=call.call_id,
        index=call.index,
    )


def _tool_summary(given: ToolInput) -> str:
    tool = given.call.tool
    decision = given.outcome.decision if given.outcome else None
    if decision is None:
        return f"tool {tool} · allowed"
    by = decision.by.id.removeprefix("user:")
    return f"tool {tool} · {'edited and ' if decision.type == 'edit' else ''}approved by {by}"


def _why(status: End) -> SettleReason:
    return "superseded" if status == "approved" else status


def _chosen(outcome: Outcome) -> str | None:
    answers = outcome.decision.answers if outcome.decision else None
    answer = (answers or {}).get(_UNCERTAIN.id or "")
    return answer.options[0] if answer and answer.options else None
