"""Policy as an activity: what a rule's function says stands in the approval, and nothing it does allows anything."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.testing import ActivityEnvironment

from placet.agents import DescribedCall, Description
from placet.contracts.calls import Args, JudgeCall, JudgeInput, Verdict, inline_args
from placet.contracts.config import Config, PolicyConfig, Questions, Rule
from placet.contracts.questions import ASK_HUMAN
from placet.contracts.runs import ModelCall, ModelInput
from placet.effects._describing import Describing
from placet.effects._judge import JudgeActivities, Judging
from placet.ledger import Ledger

SOON = 0.3
"""Seconds after which a function of these tests takes too long."""


@pytest_asyncio.fixture
async def ledger(tmp_path: Path) -> AsyncGenerator[Ledger]:
    made = Ledger.at(str(tmp_path / "ledger.db"))
    await made.migrate()
    yield made
    await made.close()


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """Lets go at the end what hangs in a thread."""
    event = threading.Event()
    yield event
    event.set()


SECRET: dict[str, Any] = {"properties": {"pin_id": {"type": "string", "format": "password"}}}


def schema_of(agent: str | None, tool: str) -> dict[str, Any] | None:
    return SECRET if (agent, tool) == ("billing", "unlock") else None


def judging_by(ledger: Ledger, config: Config, describing: Describing) -> Judging:
    return Judging(ledger, config, describing, schema_of)


def ruled(**said: Any) -> Config:
    rule = Rule.model_validate({"effect": "ask", "describe": "m:f", "reason": "Above 100", **said})
    return Config(policy=PolicyConfig(rules=(rule,)), questions=Questions())


async def verdict(
    ledger: Ledger,
    function: Description | None,
    config: Config | None = None,
    limit: float = 5.0,
    **call: Any,
) -> Verdict:
    """Returns what the activity says of one call."""
    describing = Describing({"m:f": function} if function else {}, limit)
    try:
        activities = JudgeActivities(ledger, judging_by(ledger, config or ruled(), describing))
        asked = JudgeCall.model_validate({"tool": "refund", "args": {"amount": 150.5, "to": "ada"}, **call})
        given = JudgeInput(
            calls=(asked,), agent="billing", requester="user:dana", run_id="run-1", thread_id="thread-1", turn=3
        )
        (judged,) = (await ActivityEnvironment().run(activities.judge, given)).verdicts
        return judged
    finally:
        describing.close()


def in_words(call: DescribedCall) -> str:
    assert call.args is call["args"]
    assert set(call) == {"tool", "args", "agent", "requester", "run"}
    assert dict(call)["run"] == {"id": "run-1", "thread_id": "thread-1", "turn": 3}
    return f"{call.tool} {call.args['amount']} by {call.agent} for {call.requester}\nin turn {call.run['turn']}"


async def in_words_later(call: DescribedCall) -> str:
    await asyncio.sleep(0)
    return in_words(call)


WORDS = "refund 150.5 by billing for user:dana\nin turn 3"


@pytest.mark.parametrize("function", [in_words, in_words_later])
async def test_what_the_function_says_is_the_reason(ledger: Ledger, function: Description) -> None:
    judged = await verdict(ledger, function)
    assert (judged.effect, judged.rule, judged.reason) == ("ask", "rule 1", WORDS)
    assert judged.title == "refund: to ada"


async def test_it_runs_in_a_thread_of_its_own(ledger: Ledger) -> None:
    judged = await verdict(ledger, lambda _: threading.current_thread().name)
    assert (judged.reason or "").startswith("describe")


async def test_what_does_not_show_is_escaped_and_what_is_long_is_cut(ledger: Ledger) -> None:
    judged = await verdict(ledger, lambda _: "a\x1b[2J\nb\u202e" + "x" * 5_000)
    assert (judged.reason or "").startswith("a\\u001b[2J\nb\\u202ex")
    assert len(judged.reason or "") <= 2_000


def _raise(error: BaseException) -> Description:
    def function(_: DescribedCall) -> str:
        raise error

    return function


def _raise_later(error: BaseException) -> Description:
    async def function(_: DescribedCall) -> str:
        raise error

    return function


ERRORS = (ValueError("x"), SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), StopIteration(), MemoryError())
RUBBISH: tuple[Callable[[DescribedCall], Any], ...] = (
    *(_raise(error) for error in ERRORS),
    *(_raise_later(error) for error in ERRORS),
    *(lambda _, it=value: it for value in (None, 5, b"text", "", " \n ", ["text"], object())),
)


@pytest.mark.parametrize("function", RUBBISH)
@pytest.mark.parametrize("enabled", [True, False])
async def test_a_function_that_fails_leaves_the_rules_own_words(
    ledger: Ledger, function: Description, *, enabled: bool
) -> None:
    config = ruled()
    config = config.model_copy(update={"policy": config.policy.model_copy(update={"enabled": enabled})})
    judged = await verdict(ledger, function, config, limit=1.0)
    if enabled:
        assert (judged.effect, judged.reason) == ("ask", "Above 100")
    else:
        assert (judged.effect, judged.reason) == ("deny", "Nobody is asked while policy.enabled is false.")


async def test_without_words_of_the_rule_those_of_the_policy_stand_in(ledger: Ledger) -> None:
    rule = Rule(effect="ask", describe="m:f")
    config = Config(policy=PolicyConfig(rules=(rule,), reason="{tool} needs a person"))
    assert (await verdict(ledger, _raise(ValueError()), config)).reason == "refund needs a person"
    assert (await verdict(ledger, None, config)).reason == "refund needs a person"


async def test_a_function_that_hangs_holds_up_neither_the_loop_nor_the_verdict(
    ledger: Ledger, released: threading.Event
) -> None:
    def hang(_: DescribedCall) -> str:
        released.wait(30)
        return "too late"

    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(SOON / 20)
            ticks += 1

    ticking = asyncio.create_task(tick())
    judged = await verdict(ledger, hang, limit=SOON)
    ticking.cancel()
    assert judged.reason == "Above 100"
    assert ticks >= 3


async def test_an_async_function_that_blocks_its_loop_costs_only_its_own_words(ledger: Ledger) -> None:
    async def block(_: DescribedCall) -> str:
        time.sleep(3 * SOON)  # noqa: ASYNC251 - what a careless author does
        return "too late"

    assert (await verdict(ledger, block, limit=SOON)).reason == "Above 100"


async def test_many_calls_are_described_at_once(ledger: Ledger) -> None:
    """Each waits until all of them are being described."""
    together = threading.Barrier(4)

    def meet(call: DescribedCall) -> str:
        together.wait(20)
        return f"call {call.args['n']}"

    describing = Describing({"m:f": meet}, 20)
    activities = JudgeActivities(ledger, judging_by(ledger, ruled(), describing))
    calls = tuple(JudgeCall(tool="refund", args={"n": n}) for n in range(4))
    found = (await ActivityEnvironment().run(activities.judge, JudgeInput(calls=calls))).verdicts
    describing.close()
    assert [one.reason for one in found] == [f"call {n}" for n in range(4)]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"when": "args.amount > 1000.0"}, None),
        ({"when": "args.missing > 1"}, "The rule 'rule 1' could not be evaluated: there is no missing."),
    ],
)
async def test_a_rule_that_did_not_decide_describes_nothing(
    ledger: Ledger, said: dict[str, Any], reason: str | None
) -> None:
    called: list[DescribedCall] = []

    def note(call: DescribedCall) -> str:
        called.append(call)
        return "described"

    judged = await verdict(ledger, note, ruled(**said))
    assert (judged.effect, judged.reason) == ("ask", reason)
    assert called == []


async def test_questions_of_an_agent_are_shown_as_they_are(ledger: Ledger) -> None:
    asked = {"questions": [{"question": "Which?"}]}
    judged = await verdict(ledger, lambda _: "described", tool=ASK_HUMAN, args=asked)
    assert (judged.effect, judged.title, judged.reason) == ("ask", "Which?", None)


async def test_a_call_of_another_workflow_knows_no_run(ledger: Ledger) -> None:
    describing = Describing({"m:f": lambda call: f"{call.agent} {call.requester} {call.run}"})
    activities = JudgeActivities(ledger, judging_by(ledger, ruled(), describing))
    given = JudgeInput(calls=(JudgeCall(tool="refund", args={}),))
    (judged,) = (await ActivityEnvironment().run(activities.judge, given)).verdicts
    describing.close()
    assert judged.reason == "None None {}"


async def test_conditions_know_the_run_of_a_call(ledger: Ledger) -> None:
    when = "run.id == 'run-1' && run.thread_id == 'thread-1' && run.turn == 3"
    assert (await verdict(ledger, None, ruled(when=when, effect="deny", describe=None))).effect == "deny"


ANSWERED = ModelInput(
    run_id="run-1", agent="billing", thread_id="thread-1", turn=3, parent_turn="t2", requester="user:dana"
)


def a_model_call(index: int, tool: str, **frame: Any) -> ModelCall:
    args = inline_args(tool, {"amount": 150.5, "to": "ada"}, None)
    refs = {"schema_ref": "schema:1", "tool_ref": "schema:2"}
    return ModelCall.model_validate({"index": index, "call_id": "c", "tool": tool, "args": args, **refs, **frame})


async def test_an_answer_comes_with_the_verdicts_that_the_activity_gives(ledger: Ledger) -> None:
    config = Config(policy=PolicyConfig(ask=("refund",), allow=("find",), deny=("drop",)), questions=Questions())
    nonsense = a_model_call(3, "sing", args=None, problem="m9")
    calls = [a_model_call(0, "find"), a_model_call(1, "drop"), a_model_call(2, "refund"), nonsense]
    judging = judging_by(ledger, config, Describing({}))
    found, told = await judging.with_verdicts(ANSWERED, calls)
    alone = [await verdict(ledger, None, config, tool=call.tool) for call in calls[:3]]
    unasked = {"title": None, "terms": None}
    assert [call.verdict and call.verdict.model_dump() for call in found] == [
        *(one.model_dump(exclude={"digest"}) | ({} if one.effect == "ask" else unasked) for one in alone),
        None,
    ]
    assert [call.args and call.args.digest for call in found[:3]] == [one.digest for one in alone]
    assert [(one.type, one.data.index, one.data.turn) for one in told] == [
        ("call.allowed", 0, 3),
        ("call.denied", 1, 3),
    ]
    assert [(call.schema_ref, call.tool_ref) for call in found[:3]] == [
        *((None, None), (None, None)),
        ("schema:1", "schema:2"),
    ]


async def test_an_answer_that_cannot_be_judged_now_is_left_to_the_activity(ledger: Ledger) -> None:
    unread = Args(ref="args:lost", digest="sha256:0")
    judging = judging_by(ledger, ruled(), Describing({}))
    calls = [a_model_call(0, "find"), a_model_call(1, "refund", args=unread)]
    assert await judging.with_verdicts(ANSWERED, calls) == (calls, [])


@pytest.mark.parametrize("call", [{"tool": "unlock"}, {"tool": "other", "args_schema": SECRET}])
async def test_a_secret_stands_in_no_title_and_no_reason(ledger: Ledger, call: dict[str, Any]) -> None:
    """The default title names the main argument, and a template any: what the schema calls a secret is masked."""
    hidden = "secret, 4 characters, not shown"
    given: dict[str, Any] = {"args": {"pin_id": "9281"}, **call}
    plain = await verdict(ledger, None, Config(questions=Questions()), **given)
    assert plain.title == f"{call['tool']}: pin_id {hidden}"
    said = {"title": "Unlock with {args.pin_id}", "reason": "Is {args.pin_id} right?", "describe": None}
    filled = await verdict(ledger, None, ruled(**said), **given)
    assert (filled.title, filled.reason) == (f"Unlock with {hidden}", f"Is {hidden} right?")
