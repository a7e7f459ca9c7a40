"""The model activity: one turn of the conversation, written to the ledger before it counts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, InvalidToolCall, SystemMessage, ToolCall
from langchain_core.runnables import Runnable
from temporalio import activity
from temporalio.exceptions import ApplicationError

from placet.agents import Agent, Agents, Misfit, read_questions
from placet.contracts.calls import INLINE_ARGS, Args
from placet.contracts.canonical import MalformedJsonError, canonical_text, digest
from placet.contracts.events import TurnCompleted
from placet.contracts.questions import ASK_HUMAN, AskHuman, question_args
from placet.contracts.runs import CallRef, ModelCall, ModelInput, ModelResult
from placet.effects._answers import cut_by, usage_of
from placet.effects._judge import Judging
from placet.effects._messages import answer_message, new_id, tool_message
from placet.effects._model_errors import activity_error, unreadable_args
from placet.effects._remembering import Transcripts
from placet.effects._transcript import MADE_ID, readable, whole, with_ids
from placet.effects._watch import NOBODY, Watch
from placet.ledger import Judged, Ledger, RunRow, TurnRow
from placet.runs import effects

INLINE_ARGS_OF_A_TURN: Final = 4 * INLINE_ARGS
"""Bytes of arguments that history carries for all calls of a turn, at most."""
LARGEST_ARGS: Final = 4 * 1024 * 1024
"""Bytes of one call's arguments, at most; what is longer would hold up the heartbeats of every other tool."""
ANSWER_LIMIT: Final = effects.MODEL_LIMIT - timedelta(seconds=15)
"""How long one answer may take: shorter than Temporal's limit on the attempt, so that the error says what it was."""
TOOLS_AGE: Final = timedelta(seconds=30)
"""How old may be what the model is told of the tools of MCP servers."""
_HEARTBEAT_SECONDS: Final = 5.0
_TRIES_TO_BE_READ: Final = 3
_LONGEST_QUOTE: Final = 2_000
_UNREADABLE: Final = (
    "Nothing of your last answer could be read, and nothing was done: the arguments of a call must be an object of"
    " JSON, and those of one were {}. Answer again."
)
_CUT: Final = "The answer was cut at its length limit while this call was being written; it did not run."


class _Room:
    """What history still carries of a turn's arguments; Temporal refuses payloads over 2 MiB."""

    def __init__(self) -> None:
        self._left = INLINE_ARGS_OF_A_TURN

    def takes(self, args_text: str) -> bool:
        """Returns whether the arguments travel in history, and takes the room that they need."""
        size = len(args_text.encode())
        if size > min(INLINE_ARGS, self._left):
            return False
        self._left -= size
        return True


class ModelActivities:
    """The activity that calls the model."""

    def __init__(
        self,
        ledger: Ledger,
        agents: Agents,
        answer_limit: timedelta = ANSWER_LIMIT,
        watch: Watch = NOBODY,
        judging: Judging | None = None,
    ) -> None:
        """Calls the models of these agents; keeps what they say in this ledger.

        Args:
            ledger: Where answers go.
            agents: Whose models are called.
            answer_limit: How long one answer may take.
            watch: Is told of answers.
            judging: Policy for the calls of an answer; without it an activity of its own asks policy.
        """
        self._ledger = ledger
        self._transcripts = Transcripts(ledger)
        self._judging = judging
        self._agents = agents
        self._watch = watch
        self._limit = answer_limit
        self._refs: dict[str, str] = {}

    @activity.defn(name=effects.MODEL)
    async def call_model(self, given: ModelInput) -> ModelResult:
        """Calls the model once and returns the id of the turn row that holds its answer.

        The row is written first. Should its id get lost, the next attempt writes another and this one
        stays an orphan: only what the workflow names is part of the transcript.
        """
        agent = self._agents.get(given.agent)
        if agent is None:
            message = f"This worker has no agent {given.agent!r}."
            raise ApplicationError(message, type="unknown_agent", non_retryable=True)
        if given.turn == 0 and given.started_at is not None:
            await self._ledger.open_run(_run_row(given, given.started_at))
        messages = await self._transcript(agent, given)
        async with _heartbeats():
            await agent.refresh(max_age=TOOLS_AGE)
            try:
                answer = await self._ask(agent, messages)
            except Exception as error:
                info = activity.info()
                raise activity_error(error, info.attempt, datetime.now(UTC) - info.scheduled_time) from error
        self._watch.answered(agent.name, usage_of(answer))
        return await self._keep(agent, given, answer)

    async def _ask(self, agent: Agent, messages: list[BaseMessage]) -> AIMessage:
        """Returns the answer; one that the model's client chokes on is told to the model, which answers again."""
        model = agent.bound_model()
        for _ in range(_TRIES_TO_BE_READ - 1):
            try:
                return await self._answer(model, messages)
            except ValueError as error:
                wrong = unreadable_args(error)
                if wrong is None:
                    raise
                messages = [*messages, HumanMessage(_UNREADABLE.format(wrong))]
        return await self._answer(model, messages)

    async def _answer(self, model: Runnable[LanguageModelInput, AIMessage], messages: list[BaseMessage]) -> AIMessage:
        limit = self._limit.total_seconds()
        waiting = asyncio.timeout(limit)
        try:
            async with waiting:
                return await model.ainvoke(messages)
        except TimeoutError as error:
            if not waiting.expired():
                raise
            message = f"no answer within {limit:g} seconds"
            raise TimeoutError(message) from error

    async def _transcript(self, agent: Agent, given: ModelInput) -> list[BaseMessage]:
        said = await self._transcripts.to(given.thread_id, given.parent_turn)
        said += readable(await self._ledger.messages(given.results))
        prompt: list[BaseMessage] = [SystemMessage(agent.prompt)] if agent.prompt else []
        return [*prompt, *whole(said, agent.kinds_in_results)]

    async def _keep(self, agent: Agent, given: ModelInput, answer: AIMessage) -> ModelResult:
        """Writes the answer, its calls and the messages for calls that cannot run."""
        message_id, turn_id = new_id(), new_id()
        labelled = with_ids(answer, given.turn)
        calls, judged = await self._calls(agent, given, labelled), list[Judged]()
        if self._judging is not None:
            calls, judged = await self._judging.with_verdicts(given, calls)
        turn = TurnRow(
            id=turn_id,
            run_id=given.run_id,
            thread_id=given.thread_id,
            turn=given.turn,
            parent_turn=given.parent_turn,
            message_ids=(message_id,),
            results=given.results,
            calls=tuple(calls),
        )
        completed = TurnCompleted(turn=given.turn, message_id=message_id, calls=len(calls), usage=usage_of(labelled))
        await self._ledger.put_turn(turn, {message_id: answer_message(labelled, message_id)}, completed, judged)
        return ModelResult(turn_row=turn_id, message_id=message_id, calls=tuple(calls), cut=cut_by(answer))

    async def _calls(self, agent: Agent, given: ModelInput, answer: AIMessage) -> list[ModelCall]:
        """Returns the calls of an answer; the one that was being written when it was cut does not run."""
        whole, broken, room = answer.tool_calls, answer.invalid_tool_calls, _Room()
        cut = len(whole) + len(broken) - 1 if cut_by(answer) else None
        calls: list[ModelCall] = []
        for index, call in enumerate(whole):
            if index == cut:
                calls.append(await self._problem(given, _wanted(index, call), _CUT))
            else:
                calls.append(await self._call(agent, given, index, call, room))
        for index, invalid in enumerate(broken, len(whole)):
            wrote = (invalid["args"] or "")[:_LONGEST_QUOTE]
            text = _CUT if index == cut else f"The arguments are not JSON; the call did not run. They were: {wrote}"
            calls.append(await self._problem(given, _wanted(index, invalid), text))
        return calls

    async def _call(self, agent: Agent, given: ModelInput, index: int, call: ToolCall, room: _Room) -> ModelCall:
        """Returns the call, or the call with the message that says why it cannot run."""
        name, wanted = call["name"], _wanted(index, call)
        if wanted.call_id.startswith(MADE_ID):
            return await self._problem(given, wanted, "The call has no id; it did not run.")
        if name == ASK_HUMAN and agent.asks_people:
            return await self._questions(given, wanted, call, room)
        tool = agent.tools.get(name)
        if tool is None:
            known = ", ".join(agent.tool_names) or "none"
            return await self._problem(given, wanted, f"There is no tool {name!r}. There is: {known}.")
        try:
            args_text = canonical_text(call["args"])
        except MalformedJsonError as error:
            return await self._problem(given, wanted, f"The arguments cannot be used: {error}.")
        wrong = _too_long(args_text) or _misfits(tool.validate(call["args"]))
        if wrong is not None:
            return await self._problem(given, wanted, wrong)
        args = await self._args(name, args_text, room)
        refs = {"schema_ref": await self._kept(tool.args_schema), "tool_ref": await self._kept(tool.face)}
        return wanted.model_copy(update={"args": args, **refs})

    async def _kept(self, document: dict[str, Any]) -> str:
        """Returns the reference of a document, which the ledger is given once a process."""
        text = canonical_text(document)
        if text not in self._refs:
            self._refs[text] = await self._ledger.put_schema(document)
        return self._refs[text]

    async def _questions(self, given: ModelInput, wanted: ModelCall, call: ToolCall, room: _Room) -> ModelCall:
        """Returns what the model asks, or the call with the message that says what is wrong with it."""
        try:
            asked = read_questions(call["args"])
            if not isinstance(asked, AskHuman):
                return await self._problem(given, wanted, f"Nobody was asked:\n{_listed(asked)}")
            args_text = canonical_text(question_args(asked.questions))
            fits = room.takes(args_text + canonical_text(asked.context))
        except MalformedJsonError as error:
            return await self._problem(given, wanted, f"Nobody was asked; the questions cannot be used: {error}.")
        if not fits:
            text = f"Nobody was asked:\n- /questions: with /context they take more than {INLINE_ARGS} bytes"
            return await self._problem(given, wanted, text)
        args = Args(text=args_text, digest=digest(ASK_HUMAN, args_text))
        return wanted.model_copy(update={"args": args, "allow_skip": asked.allow_skip, "context": asked.context})

    async def _args(self, tool: str, args_text: str, room: _Room) -> Args:
        if room.takes(args_text):
            return Args(text=args_text, digest=digest(tool, args_text))
        ref = await self._ledger.put_args(tool, args_text)
        return Args(ref=ref, digest=digest(tool, args_text))

    async def _problem(self, given: ModelInput, call: ModelCall, text: str) -> ModelCall:
        message_id = new_id()
        ref = CallRef(
            run_id=given.run_id,
            agent=given.agent,
            thread_id=given.thread_id,
            turn=given.turn,
            index=call.index,
            call_id=call.call_id,
            tool=call.tool,
        )
        message = tool_message(ref, message_id, text, failed=True)
        await self._ledger.settle_call(ref, message_id, message)
        return call.model_copy(update={"problem": message_id})


def _wanted(index: int, call: ToolCall | InvalidToolCall) -> ModelCall:
    return ModelCall(index=index, call_id=call["id"] or "", tool=call["name"] or "unknown")


def _too_long(args_text: str) -> str | None:
    size = len(args_text.encode())
    if size <= LARGEST_ARGS:
        return None
    return f"The arguments take {size} bytes; a call takes at most {LARGEST_ARGS}. It did not run."


def _misfits(problems: list[Misfit]) -> str | None:
    return f"The arguments break the tool's schema:\n{_listed(problems)}" if problems else None


def _listed(problems: list[Misfit]) -> str:
    return "\n".join(f"- {problem.pointer or '/'}: {problem.message}" for problem in problems)


def _run_row(given: ModelInput, started_at: datetime) -> RunRow:
    """Returns the row that the gateway would have written, had it not died before."""
    return RunRow(
        id=given.run_id,
        agent=given.agent,
        thread_id=given.thread_id,
        requester=given.requester,
        started_at=started_at,
        input_turn=given.parent_turn,
    )


@contextlib.asynccontextmanager
async def _heartbeats() -> AsyncGenerator[None]:
    task = asyncio.create_task(_beat())
    try:
        yield
    finally:
        task.cancel()


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(_HEARTBEAT_SECONDS)
