"""The door in front of every tool: what is denied now does not run, what is asked now is asked now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from placet.agents import Agents, Tool
from placet.contracts.calls import Terms, Verdict
from placet.contracts.canonical import digest, parse_object
from placet.contracts.config import Config
from placet.contracts.runs import Change, ToolInput
from placet.effects._differences import differences
from placet.policy import RunFacts, judge, may_approve


@dataclass(frozen=True)
class Open:
    """The call may run: this tool with these arguments."""

    tool: Tool
    args: dict[str, Any]
    args_text: str


@dataclass(frozen=True)
class Shut:
    """The call does not run, and the model reads why."""

    reason: str


@dataclass(frozen=True)
class Ask:
    """A person is wanted first.

    Attributes:
        tool: The tool, where it is not the one that was shown, or none was.
        changes: How it differs.
    """

    tool: Tool | None = None
    changes: tuple[Change, ...] = ()


class Door:
    """Decides right before a tool would run; pure but for the policy and the tools that it was given."""

    def __init__(self, agents: Agents, config: Config) -> None:
        """Guards the tools of these agents by this configuration."""
        self._agents = agents
        self._config = config

    def check(  # noqa: PLR0911 - one return a check
        self, given: ToolInput, args_text: str, shown: dict[str, Any] | None = None
    ) -> Open | Shut | Ask:
        """Returns whether the call may run.

        Args:
            given: The call and what covers it.
            args_text: Its canonical arguments, read from history or from the ledger.
            shown: The tool's face as it was shown to the person who approved; None where nobody was asked.
        """
        call = given.call
        agent = self._agents.get(call.agent)
        tool = agent.tools.get(call.tool) if agent else None
        if tool is None:
            return Shut(agent.why_without(call.tool) if agent else "there is no such agent any more")
        if digest(call.tool, args_text) != given.args.digest:
            return Shut("its arguments are not the ones that were shown")
        if given.gated and not covers(given):
            return Shut("no approval covers exactly these arguments")
        args = parse_object(args_text)
        problems = tool.validate(args)
        if problems:
            listed = "; ".join(f"{problem.pointer or '/'} {problem.message}" for problem in problems)
            return Shut(f"its arguments break the tool's schema: {listed}")
        run = RunFacts(call.run_id, call.thread_id, call.turn)
        verdict = judge(self._config, call.agent, call.requester, call.tool, args, given.args.digest, run=run)
        if verdict.effect == "deny":
            return Shut(f"policy does not allow it: {verdict.reason}")
        changes = differences(shown, tool.face) if shown is not None else ()
        if verdict.effect == "ask" and changes:
            return Ask(tool, changes)
        if verdict.effect == "ask" and not self._counts(given, verdict):
            return Ask(tool if given.tool_ref is None else None)
        return Open(tool, args, args_text)

    def _counts(self, given: ToolInput, verdict: Verdict) -> bool:
        """Whether an approval lets the call run by the policy and the people of this moment.

        Who decided past the gateway cannot be known, and was let in by whoever may write to Temporal.
        """
        decision = given.outcome.decision if given.outcome else None
        if decision is None or not covers(given):
            return False
        if decision.by.via == "temporal":
            return True
        return may_approve(self._config.people, decision.by.id, verdict.terms or Terms(), given.call.requester)

    def take_over(self, given: ToolInput, args_text: str) -> Open:
        """Returns the call of an earlier attempt, which came through the door already.

        Raises:
            KeyError: The agent has no such tool any more.
        """
        return Open(self._agents[given.call.agent].tools[given.call.tool], parse_object(args_text), args_text)


def covers(given: ToolInput) -> bool:
    """Whether an approval lets exactly these arguments run."""
    outcome = given.outcome
    decision = outcome.decision if outcome else None
    return (
        outcome is not None
        and decision is not None
        and given.approval_id is not None
        and outcome.status == "approved"
        and decision.digest == given.args.digest
    )
