"""From what a graph waits for to what people are asked: policy gives the terms, the ledger keeps what is long."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from placet.contracts.approvals import Outcome
from placet.contracts.calls import INLINE_ARGS, Args, JudgeCall, JudgeInput, Terms, Verdict
from placet.contracts.canonical import canonical_text, digest
from placet.contracts.config import Config
from placet.contracts.events import CallJudged
from placet.contracts.graphs import Answered, Ask, Form, Pending, Released, StepInput
from placet.contracts.questions import ASK_HUMAN, question_args
from placet.effects._graph_rows import ref_of
from placet.effects._judge import Judging
from placet.ledger import Judged, Ledger

if TYPE_CHECKING:
    from placet.graphs import Waiting
    from placet.graphs._shapes import Call


class Pendings:
    """Judges what graphs ask.

    A graph that interrupts wants a person. Policy says who, until when and at what risk, or that nobody may allow it;
    that it would allow the call by itself counts only where the graph leaves the word to policy.
    """

    def __init__(self, ledger: Ledger, config: Config, judging: Judging) -> None:
        """Judges by this configuration; keeps what is long in this ledger."""
        self._ledger = ledger
        self._config = config
        self._judging = judging

    async def of(self, given: StepInput, waiting: Sequence[Waiting]) -> tuple[Pending, ...]:
        """Returns what waits, with what policy says of each call in it."""
        found: list[Pending] = []
        for one in waiting:
            found.append(await self._pending(given, one, sum(len(before.asks) for before in found)))
        return tuple(found)

    async def log(self, given: StepInput, found: Sequence[Pending]) -> None:
        """Writes into the log what policy needs nobody for."""
        judged = [entry for pending in found for entry in _entries(given, pending)]
        if judged:
            await self._ledger.allow_or_deny(given.run_id, None, judged)

    async def still_allowed(self, given: StepInput) -> tuple[Answered, ...]:
        """Returns the answers; what was edited into a call that policy denies now is a rejection."""
        return tuple(await asyncio.gather(*(self._answered(given, one) for one in given.answers)))

    async def _pending(self, given: StepInput, waiting: Waiting, place: int) -> Pending:
        asks = [await self._ask(given, call, waiting.form, at) for at, call in enumerate(waiting.calls, place)]
        return Pending(
            id=waiting.id,
            task=waiting.task,
            form=waiting.form,
            node=waiting.node,
            namespace=waiting.namespace,
            turn=waiting.turn,
            asks=tuple(asks),
        )

    async def _ask(self, given: StepInput, call: Call, form: Form, place: int) -> Ask:
        tool = call.tool or ASK_HUMAN
        args = dict(call.args) if call.tool else question_args(call.questions)
        text = canonical_text(args)
        verdict = await self._verdict(given, tool, text, call.args_schema)
        allowed = form == "policy" and verdict.effect == "allow"
        if form == "uncertain":
            # Whether it ran is asked whatever policy says of it now.
            terms = verdict.terms or self._config.defaults.terms()
            verdict = verdict.model_copy(update={"effect": "ask", "terms": terms})
        elif not call.tool and verdict.terms is not None:
            verdict = verdict.model_copy(update={"terms": self._of_agent(given.agent, verdict.terms)})
        elif call.tool and verdict.effect != "deny" and not allowed:
            verdict = self._asked(verdict, call.decisions)
        return Ask(
            tool=tool,
            args=await self._kept(tool, text),
            verdict=verdict,
            schema_ref=await self._ledger.put_schema(call.args_schema) if call.args_schema else None,
            refusable=call.refusable,
            allow_skip=call.allow_skip,
            context=call.context,
            index=place if call.index is None else call.index,
        )

    async def _verdict(
        self, given: StepInput, tool: str, args_text: str, schema: dict[str, Any] | None = None
    ) -> Verdict:
        wanted = JudgeInput(
            calls=(JudgeCall(tool=tool, args_text=args_text, args_schema=schema),),
            agent=given.agent,
            requester=given.requester,
            run_id=given.run_id,
            thread_id=given.thread_id,
            turn=given.step,
        )
        return (await self._judging.verdicts(wanted))[0]

    def _asked(self, verdict: Verdict, decisions: tuple[str, ...]) -> Verdict:
        """Returns the verdict as an ask that offers no decision but those that the graph takes."""
        if not self._config.policy.enabled:
            closed = "Nobody is asked while policy.enabled is false."
            return verdict.model_copy(update={"effect": "deny", "reason": closed, "terms": None})
        terms: Terms = verdict.terms or self._config.defaults.terms()
        offered = tuple(one for one in terms.decisions if one in decisions) or decisions
        return verdict.model_copy(
            update={"effect": "ask", "terms": terms.model_copy(update={"decisions": offered})},
        )

    def _of_agent(self, agent: str, terms: Terms) -> Terms:
        """Returns the terms of what a graph asks without naming a tool."""
        config = self._config.agents.get(agent)
        return terms if config is None or config.terms is None else config.terms.over(terms)

    async def _kept(self, tool: str, text: str) -> Args:
        if len(text.encode()) <= INLINE_ARGS:
            return Args(text=text, digest=digest(tool, text))
        return Args(ref=await self._ledger.put_args(tool, text), digest=digest(tool, text))

    async def _answered(self, given: StepInput, answered: Answered) -> Answered:
        return answered.model_copy(
            update={"calls": tuple([await self._released(given, one) for one in answered.calls])},
        )

    async def _released(self, given: StepInput, released: Released) -> Released:
        """Returns an approved call as it is, or rejected where policy denies now what would run."""
        outcome, args = released.outcome, released.args
        if args is None or await self._has_begun(given, released):
            return released
        edited = outcome.decision.args_text if outcome.decision else None
        text = edited or args.text or await self._ledger.get_args(args.ref or "")
        verdict = await self._verdict(given, released.tool, text)
        if verdict.effect != "deny":
            return released
        refused = Outcome(
            status="rejected", digest=outcome.digest, reason=f"Policy does not allow it: {verdict.reason}"
        )
        return released.model_copy(update={"outcome": refused, "permit": None})

    async def _has_begun(self, given: StepInput, released: Released) -> bool:
        """Returns whether an earlier attempt has started the call: what it did is not undone by a refusal."""
        permit = released.permit
        return permit is not None and await self._ledger.call_started(ref_of(given, permit, "", released.tool), 0)


def _entries(given: StepInput, pending: Pending) -> list[Judged]:
    """Returns what the ledger is told of an interrupt: what policy allows, and what it forbids."""
    return [
        Judged(
            type="call.denied" if ask.verdict.effect == "deny" else "call.allowed",
            data=CallJudged(
                tool=ask.tool,
                digest=ask.verdict.digest,
                turn=given.step,
                index=ask.index,
                rule=ask.verdict.rule,
                reason=ask.verdict.reason,
            ),
            actor=f"agent:{given.agent}",
            interrupt=f"{pending.id} {place}",
        )
        for place, ask in enumerate(pending.asks)
        if ask.verdict.effect == "deny" or (ask.verdict.effect == "allow" and pending.form == "policy")
    ]
