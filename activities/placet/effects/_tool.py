"""The tool activity: the door, the one row, the tool, the result.

A tool runs only behind a row that this attempt inserted, and only while Temporal counts this attempt
as alive. Before the row Temporal may retry as it likes; after it nothing is repeated by itself.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import Any, Final

from langchain_core.runnables import RunnableConfig
from temporalio import activity
from temporalio.client import Client

from placet.agents import Agents, LostAnswerError
from placet.contracts.runs import CallRef, ToolInput, ToolResult
from placet.effects._beat import Beat, beat_of
from placet.effects._call_facts import call_facts
from placet.effects._door import Ask, Door, Open, Shut
from placet.effects._messages import Content, new_id, tool_message
from placet.effects._patience import patiently
from placet.effects._texts import failed_text, refused_text, told_of_the_edit
from placet.effects._threads import ToolThreads
from placet.effects._undisturbed import undisturbed
from placet.ledger import CallClaim, Ledger
from placet.runs import effects

FRESH: Final = effects.TOOL_HEARTBEAT_LIMIT / 2
"""A tool starts only if a heartbeat younger than this was accepted: nobody else has begun by then."""


class ToolActivities:
    """The activity that runs tools."""

    def __init__(self, client: Client, ledger: Ledger, agents: Agents, door: Door, threads: ToolThreads) -> None:
        """Runs the tools of these agents behind this door, in these threads."""
        self._client = client
        self._ledger = ledger
        self._agents = agents
        self._door = door
        self._threads = threads

    @activity.defn(name=effects.TOOL)
    async def run_tool(self, given: ToolInput) -> ToolResult:
        """Runs the tool at most once and returns the id of the message that answers the call."""
        beat = beat_of(self._client, activity.info().task_token)
        async with beat.going():
            agent = self._agents.get(given.call.agent)
            if agent is not None:
                await agent.refresh(given.call.tool)
            if await self._ledger.call_started(given.call, given.again):
                opened: Open | None = None
            else:
                checked = self._door.check(given, await self._args_text(given), await self._shown(given))
                if isinstance(checked, Ask):
                    return await self._ask_again(checked)
                if isinstance(checked, Shut):
                    return await self._refuse(given, checked)
                opened = checked
            return await self._behind_the_row(given, opened, beat)

    async def _behind_the_row(self, given: ToolInput, opened: Open | None, beat: Beat) -> ToolResult:
        """Claims the call's one row; whoever does not get it learns what became of the call."""
        owner = uuid.uuid4().hex
        claim = await patiently(
            lambda: self._ledger.start_call(
                given.call,
                given.args,
                given.again,
                owner=owner,
                approval_id=given.approval_id,
                idempotent=self._is_idempotent(given.call),
            )
        )
        if claim.state == "uncertain":
            await self._ledger.mark_uncertain(given.call, given.again)
        if claim.state in {"finished", "uncertain"}:
            return _told(claim)
        opened = opened or self._door.take_over(given, await self._args_text(given))
        await beat.until_accepted(FRESH)
        return await undisturbed(asyncio.create_task(self._run(given, opened, owner)))

    async def _run(self, given: ToolInput, opened: Open, owner: str) -> ToolResult:
        """Runs the tool and keeps its result, whatever becomes of the ledger meanwhile."""
        message_id = new_id()
        content, failed = await self._outcome_of(given, opened)
        if isinstance(failed, LostAnswerError) and not self._is_idempotent(given.call):
            # The tool may have run, as after a crash. What is known stays beside the row, for whoever is asked.
            await patiently(lambda: self._ledger.mark_uncertain(given.call, given.again))
        message = tool_message(given.call, message_id, content, failed=failed is not None)
        status = "succeeded" if failed is None else "failed"
        kept = await patiently(
            lambda: self._ledger.finish_call(
                given.call, given.again, owner, status=status, message_id=message_id, message=message
            )
        )
        if not kept:
            return ToolResult(status="uncertain")
        return ToolResult(status=status, message_id=message_id)

    async def _outcome_of(self, given: ToolInput, opened: Open) -> tuple[Content, Exception | None]:
        """Returns what the tool gave, or how and why it failed; whatever it raises is the model's to read."""
        try:
            content = await self._threads.run(opened.tool.run(opened.args, _config(given)))
        except Exception as error:  # noqa: BLE001
            return failed_text(given.call.tool, error), error
        if _is_edited(given):
            content = told_of_the_edit(opened.args_text, content)
        return content, None

    async def _refuse(self, given: ToolInput, shut: Shut) -> ToolResult:
        message_id = new_id()
        claim = await self._ledger.refuse_call(
            given.call,
            given.args,
            given.again,
            approval_id=given.approval_id,
            message_id=message_id,
            message=tool_message(given.call, message_id, refused_text(shut.reason), failed=True),
        )
        return _told(claim)

    async def _shown(self, given: ToolInput) -> dict[str, Any] | None:
        """Returns the tool as the person saw it who approved the call."""
        if not given.gated or given.tool_ref is None:
            return None
        return await self._ledger.get_schema(given.tool_ref)

    async def _ask_again(self, asked: Ask) -> ToolResult:
        tool = asked.tool
        if tool is None:
            return ToolResult(status="ask")
        return ToolResult(
            status="ask",
            changes=asked.changes,
            tool_ref=await self._ledger.put_schema(tool.face),
            schema_ref=await self._ledger.put_schema(tool.args_schema),
        )

    async def _args_text(self, given: ToolInput) -> str:
        if given.args.text is not None:
            return given.args.text
        return await self._ledger.get_args(given.args.ref or "")

    def _is_idempotent(self, call: CallRef) -> bool:
        agent = self._agents.get(call.agent)
        return agent is not None and agent.is_idempotent(call.tool)


def _told(claim: CallClaim) -> ToolResult:
    """Returns what the call's row says."""
    if claim.state == "finished" and claim.status is not None:
        return ToolResult(status=claim.status, message_id=claim.message_id)
    return ToolResult(status="uncertain")


def _is_edited(given: ToolInput) -> bool:
    """Whether a person changed the arguments, in this approval or in one before it."""
    decision = given.outcome.decision if given.outcome else None
    edited = decision is not None and decision.type == "edit"
    return edited or given.asked_digest not in {None, given.args.digest}


def _config(given: ToolInput) -> RunnableConfig:
    """Returns what a tool may know of its call."""
    decision = given.outcome.decision if given.outcome else None
    facts = call_facts(given.call, given.again, given.approval_id, decision.by.id if decision else None)
    return {"metadata": facts, "run_name": given.call.tool}
