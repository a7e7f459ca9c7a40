"""Policy as an activity: for the calls of a turn, and for anybody's workflow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from temporalio import activity

from placet.agents import DescribedCall
from placet.contracts.calls import JudgeCall, JudgeInput, Judgement, JudgeResult, Verdict
from placet.contracts.canonical import canonical_args, canonical_text, digest, parse_object
from placet.contracts.config import Config
from placet.contracts.events import CallJudged
from placet.contracts.questions import ASK_HUMAN
from placet.contracts.runs import ModelCall, ModelInput, to_judge
from placet.effects._describing import Describing
from placet.ledger import Judged, Ledger
from placet.policy import Call, RunFacts, explain, on_questions
from placet.runs import effects

SchemaOf = Callable[[str | None, str], Mapping[str, Any] | None]
"""Of the tool of an agent."""

_log = structlog.get_logger("placet.judge")

_UNREADABLE = "the arguments are not an object of JSON"


class JudgeActivities:
    """The activity that judges calls."""

    def __init__(self, ledger: Ledger, judging: Judging) -> None:
        """Writes what needs nobody to this ledger."""
        self._ledger = ledger
        self._judging = judging

    @activity.defn(name=effects.JUDGE)
    async def judge(self, given: JudgeInput) -> JudgeResult:
        """Returns a verdict for each call; what is wrong with a call is a verdict too.

        Only the ledger makes it fail, and then it is tried again: nothing runs without its record.
        """
        verdicts = await self._judging.verdicts(given)
        judged = entries(given, verdicts)
        if judged:
            await self._ledger.allow_or_deny(given.run_id, given.source, judged)
        return JudgeResult(verdicts=verdicts)


class Judging:
    """Policy as activities ask it: with arguments from the ledger, and with functions that describe calls."""

    def __init__(self, ledger: Ledger, config: Config, describing: Describing, schema_of: SchemaOf) -> None:
        """Knows whom to ask.

        Args:
            ledger: Where long arguments are.
            config: The policy.
            describing: Functions that describe calls.
            schema_of: Gives the schema of a tool's arguments, where a call does not bring it along.
        """
        self._ledger = ledger
        self._config = config
        self._describing = describing
        self._schema_of = schema_of

    async def verdicts(self, given: JudgeInput) -> tuple[Verdict, ...]:
        """Returns a verdict for each call; nothing is written."""
        return tuple(await asyncio.gather(*(self._verdict(given, call) for call in given.calls)))

    async def with_verdicts(self, given: ModelInput, calls: list[ModelCall]) -> tuple[list[ModelCall], list[Judged]]:
        """Returns the calls of an answer with what policy says of them, and what the ledger is told of that.

        Where that fails they stay as they are, and are judged by the activity, which is tried again by itself: a
        model that has answered is not asked anew.
        """
        fit = tuple(to_judge(call) for call in calls if call.args is not None)
        if not fit:
            return calls, []
        whole = given.model_dump(include={"agent", "requester", "run_id", "thread_id", "turn"})
        wanted = JudgeInput.model_validate({**whole, "calls": fit})
        try:
            verdicts = await self.verdicts(wanted)
        except Exception:  # noqa: BLE001 - whatever it is, nothing is lost yet
            _log.exception("judge.failed", run_id=given.run_id, turn=given.turn)
            return calls, []
        said = {call.index: verdict for call, verdict in zip(fit, verdicts, strict=True)}
        return [_with_verdict(call, said.get(call.index)) for call in calls], entries(wanted, verdicts)

    async def _verdict(self, given: JudgeInput, call: JudgeCall) -> Verdict:
        try:
            args_text = await self._args_text(call)
            args: dict[str, Any] = parse_object(args_text)
        except ValueError as error:
            _log.warning("judge.unreadable", tool=call.tool, error=type(error).__name__)
            return Verdict(effect="deny", reason=_UNREADABLE, digest=digest(call.tool, "{}"))
        run = RunFacts(given.run_id, given.thread_id, given.turn) if given.run_id else None
        schema = call.args_schema or self._schema_of(given.agent, call.tool)
        judged = Call(given.agent, given.requester, call.tool, args, digest(call.tool, args_text), run, schema)
        verdict, _, describe = explain(self._config, judged)
        if call.tool == ASK_HUMAN:
            return on_questions(self._config, verdict, args)
        said = await self._described(describe, judged) if describe else None
        return verdict if said is None else verdict.model_copy(update={"reason": said})

    async def _described(self, describe: str, call: Call) -> str | None:
        run = call.run._asdict() if call.run else {}
        described = DescribedCall(call.tool, dict(call.args), call.agent, call.requester, run)
        return await self._describing.text(describe, described)

    async def _args_text(self, call: JudgeCall) -> str:
        if call.args_ref is not None:
            return await self._ledger.get_args(call.args_ref)
        if call.args_text is not None:
            return canonical_args(call.args_text)
        return canonical_text(call.args or {})


def _with_verdict(call: ModelCall, verdict: Verdict | None) -> ModelCall:
    """Returns the call with its verdict; what a person would be shown is named only if one is asked."""
    if verdict is None:
        return call
    asks = verdict.effect == "ask"
    said = Judgement.model_validate(verdict.model_dump(exclude={"digest"} if asks else {"digest", "title", "terms"}))
    unseen = {} if asks else {"schema_ref": None, "tool_ref": None}
    return call.model_copy(update={"verdict": said, **unseen})


def entries(given: JudgeInput, verdicts: Sequence[Verdict]) -> list[Judged]:
    """Returns what the ledger is told of verdicts: those that need nobody. An approval tells of the others."""
    return [
        _judged(given, call, verdict)
        for call, verdict in zip(given.calls, verdicts, strict=True)
        if verdict.effect != "ask"
    ]


def _judged(given: JudgeInput, call: JudgeCall, verdict: Verdict) -> Judged:
    place = call.call_id or (str(call.index) if call.index is not None else None)
    return Judged(
        type="call.denied" if verdict.effect == "deny" else "call.allowed",
        data=CallJudged(
            tool=call.tool,
            digest=verdict.digest,
            turn=given.turn,
            index=call.index,
            rule=verdict.rule,
            reason=verdict.reason,
        ),
        call_id=call.call_id,
        actor=f"agent:{given.agent}" if given.agent else None,
        once=place,
    )
