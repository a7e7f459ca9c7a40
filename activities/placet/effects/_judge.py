"""Policy as an activity: for the calls of a turn, and for anybody's workflow."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from temporalio import activity

from placet.agents import DescribedCall
from placet.contracts.calls import JudgeCall, JudgeInput, JudgeResult, Verdict
from placet.contracts.canonical import canonical_args, canonical_text, digest, parse_object
from placet.contracts.config import Config
from placet.contracts.events import CallJudged
from placet.contracts.questions import ASK_HUMAN
from placet.effects._describing import Describing
from placet.ledger import Judged, Ledger
from placet.policy import Call, RunFacts, explain, on_questions
from placet.runs import effects

_log = structlog.get_logger("placet.judge")

_UNREADABLE = "the arguments are not an object of JSON"


class JudgeActivities:
    """The activity that judges calls."""

    def __init__(self, ledger: Ledger, config: Config, describing: Describing) -> None:
        """Judges by this configuration; writes what needs nobody to this ledger."""
        self._ledger = ledger
        self._config = config
        self._describing = describing

    @activity.defn(name=effects.JUDGE)
    async def judge(self, given: JudgeInput) -> JudgeResult:
        """Returns a verdict for each call; what is wrong with a call is a verdict too.

        Only the ledger makes it fail, and then it is tried again: nothing runs without its record.
        """
        verdicts = await asyncio.gather(*(self._verdict(given, call) for call in given.calls))
        judged = [
            _judged(given, call, verdict)
            for call, verdict in zip(given.calls, verdicts, strict=True)
            if verdict.effect != "ask"
        ]
        if judged:
            await self._ledger.allow_or_deny(given.run_id, given.source, judged)
        return JudgeResult(verdicts=tuple(verdicts))

    async def _verdict(self, given: JudgeInput, call: JudgeCall) -> Verdict:
        try:
            args_text = await self._args_text(call)
            args: dict[str, Any] = parse_object(args_text)
        except ValueError as error:
            _log.warning("judge.unreadable", tool=call.tool, error=type(error).__name__)
            return Verdict(effect="deny", reason=_UNREADABLE, digest=digest(call.tool, "{}"))
        run = RunFacts(given.run_id, given.thread_id, given.turn) if given.run_id else None
        judged = Call(given.agent, given.requester, call.tool, args, digest(call.tool, args_text), run)
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
