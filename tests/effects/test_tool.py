"""A tool runs behind one row and only while Temporal counts the attempt: on a real ledger, with real tools."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio
from temporalio.client import AsyncActivityHandle, Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import ActivityEnvironment

from placet.agents import Agents
from placet.contracts.approvals import Outcome
from placet.contracts.calls import Args, Effect
from placet.contracts.canonical import canonical_text, digest
from placet.contracts.config import AgentConfig, Config, People, PolicyConfig, Rule, User
from placet.contracts.decisions import DecisionRecord, Person
from placet.contracts.runs import CallRef, Change, ToolInput, ToolResult
from placet.effects._beat import LostAttemptError
from placet.effects._door import Door
from placet.effects._threads import ToolThreads
from placet.effects._tool import ToolActivities
from placet.ledger import Ledger, RunRow

TOOLS = '''
from pathlib import Path
from langchain_core.runnables import RunnableConfig

DIARY = Path(__file__).with_name("diary")

def note(text: str) -> str:
    """Note a text."""
    with DIARY.open("a") as diary:
        diary.write(text + chr(10))
    return f"noted {text}"

def look(text: str) -> str:
    """Look without changing anything."""
    return note("looked " + text)

async def fail(text: str) -> str:
    """Fail."""
    raise ValueError(text)

def drop(text: str) -> str:
    """Drop everything."""
    return note("dropped")
'''


@dataclass
class FakeHeartbeats:
    """Temporal's side of heartbeats: answers them, or says what the test wants.

    Attributes:
        answers: Errors to raise, one after the other; accepted where it is none, or nothing is left.
        answered_after: How many seconds the process stands still before it hears the answer, one after the other.
    """

    answers: list[RPCError | None] = field(default_factory=list[RPCError | None])
    answered_after: list[float] = field(default_factory=list[float])
    sent: int = 0

    def get_async_activity_handle(self, *, task_token: bytes) -> AsyncActivityHandle:
        """Returns itself: one activity is all that there is."""
        assert task_token
        return cast("AsyncActivityHandle", self)

    async def heartbeat(self, *, rpc_timeout: timedelta) -> None:
        """Takes a heartbeat."""
        assert rpc_timeout
        self.sent += 1
        if self.answered_after:
            time.sleep(self.answered_after.pop(0))  # noqa: ASYNC251 - the whole process stands still
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer


@dataclass
class Stage:
    """An agent with four tools, its ledger, and the activity that runs them."""

    ledger: Ledger
    folder: Path
    heartbeats: FakeHeartbeats
    policy: PolicyConfig = field(default_factory=lambda: PolicyConfig(allow=("*",)))
    people: People | None = None
    run_id: str = field(default_factory=lambda: f"run-{uuid.uuid4()}")

    async def run(self, given: ToolInput) -> ToolResult:
        """Runs one attempt of the activity."""
        return await ActivityEnvironment().run(self.activities().run_tool, given)

    def activities(self) -> ToolActivities:
        """Returns the activity as a worker has it."""
        agents = self.agents()
        client = cast("Client", self.heartbeats)
        return ToolActivities(client, self.ledger, agents, Door(agents, self.config()), ToolThreads(4))

    def agents(self) -> Agents:
        """Returns the agents as a worker loads them."""
        module = self.folder.name
        (self.folder / f"{module}.py").write_text(TOOLS, encoding="utf-8")
        (self.folder / "script.yaml").write_text("[]", encoding="utf-8")
        model = f"{module}_model"
        made = "from pathlib import Path\nfrom placet.agents.scripted import ScriptedChatModel\n"
        made += "scripted = ScriptedChatModel.from_yaml(Path(__file__).with_name('script.yaml'))\n"
        (self.folder / f"{model}.py").write_text(made, encoding="utf-8")
        return Agents.load(self.config(), self.folder)

    def config(self) -> Config:
        """Returns what its `placet.yaml` would say."""
        module = self.folder.name
        tools = tuple(f"{module}:{name}" for name in ("note", "look", "fail", "drop"))
        clerk = AgentConfig(model=f"{module}_model:scripted", tools=tools, idempotent=("look",))
        return Config(agents={"clerk": clerk}, policy=self.policy, people=self.people)

    def call(self, tool: str, index: int = 0, **args: Any) -> ToolInput:
        """Returns a call of a tool."""
        text = canonical_text(args)
        ref = CallRef(
            run_id=self.run_id, agent="clerk", thread_id="t", turn=0, index=index, call_id="call_0", tool=tool
        )
        return ToolInput(call=ref, args=Args(text=text, digest=digest(tool, text)))

    def diary(self) -> list[str]:
        """Returns what the tools have really done."""
        path = self.folder / "diary"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    async def message(self, result: ToolResult) -> str:
        """Returns what the model reads."""
        (message,) = await self.ledger.messages([result.message_id or ""])
        return message["data"]["content"]

    async def events(self) -> list[str]:
        """Returns the types of the run's events."""
        return [event.type for event in await self.ledger.events_after(None, run_id=self.run_id)]


@pytest_asyncio.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    """Gives a run that has begun."""
    folder = tmp_path / f"tools_{uuid.uuid4().hex}"
    folder.mkdir()
    ledger = Ledger.at(str(tmp_path / "ledger.db"))
    await ledger.migrate()
    stage = Stage(ledger, folder, FakeHeartbeats())
    await ledger.open_run(RunRow(id=stage.run_id, agent="clerk", thread_id="t", started_at=datetime.now(UTC)))
    yield stage
    await ledger.close()


def approved(given: ToolInput, by: str = "user:dana", kind: str = "approve", runs: Args | None = None) -> ToolInput:
    """Returns the call with an approval that covers it."""
    args = runs or given.args
    record = DecisionRecord(id="d", type=kind, by=Person(id=by, via="api"), digest=args.digest)
    outcome = Outcome(status="approved", decision=record, digest=given.args.digest)
    return given.model_copy(update={"args": args, "gated": True, "approval_id": "a" * 32, "outcome": outcome})


async def test_the_row_is_written_before_and_the_result_after(stage: Stage) -> None:
    result = await stage.run(stage.call("note", text="one"))
    assert result.status == "succeeded"
    assert await stage.message(result) == "noted one"
    assert await stage.events() == ["run.started", "call.started", "call.finished"]


async def test_a_second_attempt_after_the_result_gives_the_first_result(stage: Stage) -> None:
    given = stage.call("note", text="one")
    first, second = await stage.run(given), await stage.run(given)
    assert first == second
    assert stage.diary() == ["one"]


async def test_ten_attempts_at_once_run_the_tool_once(stage: Stage) -> None:
    given = stage.call("note", text="one")
    activities = stage.activities()
    results = await asyncio.gather(*(ActivityEnvironment().run(activities.run_tool, given) for _ in range(10)))
    assert stage.diary() == ["one"]
    assert {result.status for result in results} <= {"succeeded", "uncertain"}


async def test_a_row_without_a_result_is_uncertain_and_nothing_runs(stage: Stage) -> None:
    given = stage.call("note", text="one")
    await stage.ledger.start_call(given.call, given.args, 0, owner="dead", approval_id=None, idempotent=False)
    result = await stage.run(given)
    assert result == ToolResult(status="uncertain")
    assert stage.diary() == []
    assert (await stage.events())[-1] == "call.uncertain"


async def test_an_idempotent_tool_is_taken_over(stage: Stage) -> None:
    given = stage.call("look", text="one")
    await stage.ledger.start_call(given.call, given.args, 0, owner="dead", approval_id=None, idempotent=True)
    result = await stage.run(given)
    assert result.status == "succeeded"
    assert stage.diary() == ["looked one"]


async def test_run_it_again_is_a_row_of_its_own(stage: Stage) -> None:
    given = stage.call("note", text="one")
    await stage.ledger.start_call(given.call, given.args, 0, owner="dead", approval_id=None, idempotent=False)
    await stage.run(given)
    result = await stage.run(given.model_copy(update={"again": 1}))
    assert result.status == "succeeded"
    assert stage.diary() == ["one"]


async def test_an_attempt_that_temporal_has_given_up_runs_nothing(stage: Stage) -> None:
    stage.heartbeats.answers = [RPCError("gone", RPCStatusCode.NOT_FOUND, b"")] * 5
    with pytest.raises(LostAttemptError):
        await stage.run(stage.call("note", text="one"))
    assert stage.diary() == []


async def test_an_attempt_waits_behind_its_row_until_temporal_can_be_reached(stage: Stage) -> None:
    stage.heartbeats.answers = [RPCError("away", RPCStatusCode.UNAVAILABLE, b"")] * 2
    result = await stage.run(stage.call("note", text="one"))
    assert result.status == "succeeded"
    assert stage.heartbeats.sent >= 3


async def test_an_attempt_that_was_stopped_at_its_heartbeat_sends_another_and_runs(stage: Stage) -> None:
    """The process stood still between the heartbeat and its answer: Temporal is asked once more, and nobody else."""
    stage.heartbeats.answered_after = [2.6]
    result = await stage.run(stage.call("note", text="one"))
    assert result.status == "succeeded"
    assert stage.heartbeats.sent >= 2
    assert stage.diary() == ["one"]


async def test_an_attempt_that_was_given_up_while_it_stood_still_runs_nothing(stage: Stage) -> None:
    """The heartbeat was accepted before the process stood still; another attempt may have begun since."""
    stage.heartbeats.answered_after = [2.6]
    stage.heartbeats.answers = [None, *[RPCError("gone", RPCStatusCode.NOT_FOUND, b"")] * 5]
    with pytest.raises(LostAttemptError):
        await stage.run(stage.call("note", text="one"))
    assert stage.diary() == []


async def test_what_a_tool_raises_is_the_models_to_read(stage: Stage) -> None:
    result = await stage.run(stage.call("fail", text="no such order"))
    assert result.status == "failed"
    assert await stage.message(result) == "fail failed: ValueError: no such order"


async def test_a_gated_call_runs_only_what_was_approved(stage: Stage) -> None:
    given = stage.call("note", text="one")
    other = stage.call("note", text="two").args
    smuggled = approved(given).model_copy(update={"args": other})
    uncovered = given.model_copy(update={"gated": True})
    for wrong in (smuggled, uncovered.model_copy(update={"call": given.call.model_copy(update={"index": 1})})):
        result = await stage.run(wrong)
        assert result.status == "refused"
        assert "no approval covers" in await stage.message(result)
    assert stage.diary() == []


async def test_arguments_that_do_not_match_their_digest_do_not_run(stage: Stage) -> None:
    given = stage.call("note", text="one")
    forged = given.model_copy(update={"args": Args(text='{"text":"two"}', digest=given.args.digest)})
    result = await stage.run(forged)
    assert result.status == "refused"
    assert stage.diary() == []


async def test_an_edit_that_breaks_the_schema_is_stopped_at_the_door(stage: Stage) -> None:
    given = stage.call("note", text="one")
    broken = stage.call("note", text="one", more=True).args
    result = await stage.run(approved(given, kind="edit", runs=broken))
    assert result.status == "refused"
    assert "schema" in await stage.message(result)
    assert stage.diary() == []


async def test_the_model_is_told_what_an_edit_let_run(stage: Stage) -> None:
    given = stage.call("note", text="one")
    result = await stage.run(approved(given, kind="edit", runs=stage.call("note", text="two").args))
    assert '{"text":"two"}' in await stage.message(result)
    assert stage.diary() == ["two"]


async def test_what_policy_denies_by_now_does_not_run_even_if_approved(stage: Stage) -> None:
    stage.policy = PolicyConfig(deny=("drop",))
    result = await stage.run(approved(stage.call("drop", text="all")))
    assert result.status == "refused"
    assert stage.diary() == []


async def test_what_policy_asks_by_now_is_asked(stage: Stage) -> None:
    stage.policy = PolicyConfig(ask=("note",))
    result = await stage.run(stage.call("note", text="one"))
    assert (result.status, result.message_id, result.changes) == ("ask", None, ())
    assert (await stage.run(approved(stage.call("note", text="one")))).status == "succeeded"


@pytest.mark.parametrize(
    ("when", "effect", "status"),
    [
        ("args.text == 'one'", "deny", "refused"),
        ("args.text == 'two'", "deny", "succeeded"),
        ("args.missing == 'one'", "deny", "refused"),
        ("run.turn == 0 && run.thread_id == 't' && agent == 'clerk'", "deny", "refused"),
        ("args.text == 'one'", "ask", "ask"),
        ("args.missing == 'one'", "allow", "ask"),
    ],
)
async def test_a_condition_that_holds_by_now_counts_at_the_door(
    stage: Stage, when: str, effect: Effect, status: str
) -> None:
    rule = Rule(tool=("note",), when=when, effect=effect)
    stage.policy = PolicyConfig(rules=(rule,), allow=("*",))
    result = await stage.run(stage.call("note", text="one"))
    assert result.status == status
    assert stage.diary() == (["one"] if status == "succeeded" else [])
    again = await stage.run(approved(stage.call("note", index=1, text="one")))
    assert again.status == ("refused" if status == "refused" else "succeeded")


@pytest.mark.parametrize(
    ("by", "counts"),
    [
        ("user:dana", True),
        ("user:root", True),
        ("user:eve", False),
        ("user:gone", False),
        ("user:lee", False),
    ],
    ids=["named", "an admin", "not named any more", "not known any more", "the requester"],
)
async def test_an_approval_counts_only_of_somebody_who_may_decide_by_now(stage: Stage, by: str, counts: bool) -> None:  # noqa: FBT001
    stage.policy = PolicyConfig(rules=(Rule(tool=("note",), effect="ask", approvers=("group:finance",)),))
    finance = User(groups=("finance",), roles=("approver", "requester"))
    stage.people = People(
        users={"dana": finance, "lee": finance, "eve": User(roles=("approver",)), "root": User(roles=("admin",))}
    )
    given = stage.call("note", text="one")
    asked = given.model_copy(update={"call": given.call.model_copy(update={"requester": "user:lee"})})
    result = await stage.run(approved(asked, by=by))
    assert result.status == ("succeeded" if counts else "ask")
    assert stage.diary() == (["one"] if counts else [])


async def test_an_approval_past_the_gateway_counts_whatever_name_it_claims(stage: Stage) -> None:
    """Whoever may write to Temporal's namespace may write any name: contract, "From any other workflow"."""
    stage.policy = PolicyConfig(ask=("note",))
    stage.people = People(users={"dana": User(roles=("approver",))})
    given = approved(stage.call("note", text="one"), by="user:anybody")
    assert given.outcome is not None
    assert given.outcome.decision is not None
    by = Person(id="user:anybody", via="temporal")
    decision = given.outcome.decision.model_copy(update={"by": by})
    outcome = given.outcome.model_copy(update={"decision": decision})
    assert (await stage.run(given.model_copy(update={"outcome": outcome}))).status == "succeeded"


async def test_a_tool_that_changed_while_its_call_waited_is_asked_about_again(stage: Stage) -> None:
    stage.policy = PolicyConfig(ask=("note",))
    tool = stage.agents()["clerk"].tools["note"]
    old = {**tool.face, "description": "Note a text where nobody sees it."}
    given = stage.call("note", text="one").model_copy(update={"tool_ref": await stage.ledger.put_schema(old)})
    result = await stage.run(approved(given))
    assert result.status == "ask"
    assert result.changes == (
        Change(what="description", before="Note a text where nobody sees it.", after="Note a text."),
    )
    assert stage.diary() == []
    assert result.tool_ref is not None
    now = given.model_copy(update={"tool_ref": result.tool_ref})
    assert (await stage.run(approved(now))).status == "succeeded"


async def test_a_call_that_is_asked_about_only_now_comes_with_the_tool_as_it_is_shown(stage: Stage) -> None:
    stage.policy = PolicyConfig(ask=("note",))
    tool = stage.agents()["clerk"].tools["note"]
    result = await stage.run(stage.call("note", text="one"))
    assert await stage.ledger.get_schema(result.tool_ref or "") == tool.face
    assert await stage.ledger.get_schema(result.schema_ref or "") == tool.args_schema
    named = stage.call("note", text="one").model_copy(update={"tool_ref": result.tool_ref})
    assert (await stage.run(named)).tool_ref is None


async def test_a_tool_that_changed_runs_where_nobody_was_asked(stage: Stage) -> None:
    given = stage.call("note", text="one")
    ref = await stage.ledger.put_schema({"description": "other", "parameters": {}})
    assert (await stage.run(given.model_copy(update={"tool_ref": ref}))).status == "succeeded"


async def test_the_model_is_told_of_an_edit_that_was_approved_again(stage: Stage) -> None:
    given = stage.call("note", text="two").model_copy(
        update={"asked_digest": stage.call("note", text="one").args.digest}
    )
    result = await stage.run(approved(given))
    assert '{"text":"two"}' in await stage.message(result)


async def test_a_tool_that_is_gone_is_refused(stage: Stage) -> None:
    result = await stage.run(stage.call("vanished", text="one"))
    assert result.status == "refused"
