"""What an interrupt asks in each of its forms, and what it is told: nothing that would leave a thread stuck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain.agents.middleware.human_in_the_loop import (
    _decision_schema,  # pyright: ignore[reportPrivateUsage] - what the middleware sends
)
from langgraph.types import Interrupt
from pydantic import TypeAdapter

from placet.agents import Tool, tool_of
from placet.contracts.approvals import Outcome
from placet.contracts.canonical import canonical_text
from placet.contracts.decisions import DecisionRecord, Person
from placet.contracts.questions import Answer
from placet.graphs._interrupts import Place, answer, read
from placet.graphs._shapes import Waiting
from placet.graphs.errors import MisfitError


def refund(order: int, amount: float) -> str:
    """Pays money back."""
    return f"{order} {amount}"


TOOLS: Final[Mapping[str, Tool]] = {"refund": tool_of(refund)}
HERE: Final = Place("review", "press:1", "task-1")
EDITED: Final = {"order": 1, "amount": 5}


def batch(*decisions: Sequence[str], camel: bool = False) -> dict[str, Any]:
    """Returns a `HITLRequest` with a call for each of these lists of decisions."""
    names = [f"tool_{place}" for place in range(len(decisions) - 1)]
    calls = [{"name": name, "args": {"order": 1}} for name in [*names, "refund"]]
    if camel:
        reviews = [
            {"actionName": one["name"], "allowedDecisions": list(allowed)}
            for one, allowed in zip(calls, decisions, strict=True)
        ]
        return {"actionRequests": calls, "reviewConfigs": reviews}
    reviews = [
        {"action_name": one["name"], "allowed_decisions": list(allowed)}
        for one, allowed in zip(calls, decisions, strict=True)
    ]
    return {"action_requests": calls, "review_configs": reviews}


def old(**allowed: bool) -> dict[str, Any]:
    """Returns a `HumanInterrupt`."""
    return {"action_request": {"action": "refund", "args": {"order": 1, "amount": 7}}, "config": allowed}


def asked(value: object, schema: object = None) -> Waiting:
    return read(interrupt(value, schema), HERE, TOOLS)


def interrupt(value: object, schema: Any = None) -> Interrupt[Any]:
    return Interrupt(value=value, id="0" * 32, response_schema=schema)


def told(value: object, *outcomes: Outcome, schema: object = None) -> object:
    return answer(interrupt(value, schema), asked(value, schema), outcomes)


def decided(kind: str, status: str, **fields: Any) -> Outcome:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    by = Person(id="user:dana", name="Dana", via="api")
    decision = {"id": "d", "type": kind, "by": by, "received_at": at, "digest": "sha256:0", **fields}
    return Outcome.model_validate(
        {"status": status, "digest": "sha256:0", "decision": DecisionRecord.model_validate(decision)}
    )


APPROVED: Final = decided("approve", "approved")
REJECTED: Final = decided("reject", "rejected", message="no")
RESPONDED: Final = decided("respond", "responded", message="done by hand")
EXPIRED: Final = Outcome(status="expired", digest="sha256:0")


def edited(**args: object) -> Outcome:
    return decided("edit", "approved", args_text=canonical_text(args))


def answered(**fields: Any) -> Outcome:
    return decided("answer", "answered", answers={"answer": Answer(**fields)})


class TestBatches:
    """LangChain's `HITLRequest`."""

    def test_each_call_is_asked_with_what_the_graph_takes(self) -> None:
        waiting = asked(batch(["approve", "reject"], ["edit", "approve", "reject", "respond"]))
        assert (waiting.form, waiting.node, waiting.namespace, waiting.task) == ("batch", *HERE)
        assert [call.tool for call in waiting.calls] == ["tool_0", "refund"]
        assert [call.decisions for call in waiting.calls] == [
            ("approve", "reject"),
            ("approve", "edit", "reject", "respond"),
        ]
        assert waiting.calls[1].args_schema == TOOLS["refund"].args_schema

    def test_the_spelling_of_javascript_asks_the_same(self) -> None:
        decisions = (["approve"], ["reject", "edit"])
        assert asked(batch(*decisions, camel=True)) == asked(batch(*decisions))

    def test_there_is_a_decision_for_each_call_in_their_order(self) -> None:
        everything = ["approve", "edit", "reject", "respond"]
        value = batch(*[everything] * 4)
        assert told(value, APPROVED, REJECTED, RESPONDED, edited(**EDITED)) == {
            "decisions": [
                {"type": "approve"},
                {"type": "reject", "message": "no"},
                {"type": "respond", "message": "done by hand"},
                {"type": "edit", "edited_action": {"name": "refund", "args": EDITED}},
            ]
        }

    def test_another_number_of_answers_is_never_sent(self) -> None:
        with pytest.raises(ValueError, match="shorter"):
            told(batch(["approve"], ["approve"]), APPROVED)

    def test_an_edit_keeps_the_tool(self) -> None:
        """Nothing in a decision can name another: the graph would run it past that tool's policy."""
        result = told(batch(["edit"]), edited(order=1, amount=2))
        assert result == {
            "decisions": [{"type": "edit", "edited_action": {"name": "refund", "args": {"order": 1, "amount": 2}}}]
        }

    def test_an_edit_that_the_tool_does_not_take_is_never_sent(self) -> None:
        with pytest.raises(MisfitError, match="amount"):
            told(batch(["edit"]), edited(order=1))

    def test_a_call_of_a_tool_that_nobody_knows_is_asked_about_all_the_same(self) -> None:
        (call,) = asked({"action_requests": [{"name": "unknown"}]}).calls
        assert (call.tool, call.decisions, call.args_schema) == ("unknown", ("approve", "reject"), None)

    def test_who_never_answered_has_not_allowed_it(self) -> None:
        result = told(batch(["approve", "reject"]), EXPIRED)
        assert isinstance(result, dict)
        assert result["decisions"][0]["type"] == "reject"
        assert "Nobody decided in time" in result["decisions"][0]["message"]

    def test_where_only_respond_says_no_it_does(self) -> None:
        result = told(batch(["approve", "respond"]), REJECTED)
        assert result == {"decisions": [{"type": "respond", "message": "no"}]}

    def test_no_no_is_sent_to_a_graph_that_takes_none(self) -> None:
        (call,) = asked(batch(["approve"])).calls
        assert not call.refusable
        with pytest.raises(MisfitError):
            told(batch(["approve"]), REJECTED)

    @pytest.mark.parametrize("requests", [[{}], ["refund"], [{"name": 7}], [{"name": "refund"}, None], []])
    def test_what_is_no_batch_is_a_question(self, requests: list[object]) -> None:
        assert asked({"action_requests": requests}).form == "question"


class TestCallsOnTheirOwn:
    """LangChain's `ToolApprovalRequest`."""

    VALUE: Final = {"type": "tool_approval", "tool_call_id": "c1", "name": "refund", "args": {"order": 1}}

    @pytest.mark.parametrize("allowed", [["approve"], ["approve", "reject"], ["edit", "respond"]])
    def test_the_schema_of_its_answer_says_what_is_allowed(self, allowed: list[Any]) -> None:
        schema = TypeAdapter[Any](_decision_schema(allowed, "refund")).json_schema()
        (call,) = asked(self.VALUE, schema).calls
        assert sorted(call.decisions) == sorted(allowed)

    def test_it_is_told_one_decision(self) -> None:
        assert told(self.VALUE, APPROVED) == {"type": "approve"}
        assert asked(self.VALUE).form == "call"


class TestTheOldForm:
    """`HumanInterrupt`, alone or in a list."""

    def test_it_is_answered_in_its_own_words(self) -> None:
        value = [old(allow_accept=True, allow_edit=True, allow_ignore=True, allow_respond=True)] * 4
        assert told(value, APPROVED, edited(**EDITED), RESPONDED, REJECTED) == [
            {"type": "accept", "args": None},
            {"type": "edit", "args": {"action": "refund", "args": EDITED}},
            {"type": "response", "args": "done by hand"},
            {"type": "ignore", "args": None},
        ]

    def test_one_alone_is_answered_with_a_list_as_agent_inbox_does(self) -> None:
        assert told(old(allow_accept=True), APPROVED) == [{"type": "accept", "args": None}]

    def test_what_it_does_not_allow_is_not_offered(self) -> None:
        (call,) = asked(old(allow_accept=True, allow_ignore=True, allow_edit=False)).calls
        assert call.decisions == ("approve", "reject")

    def test_a_list_of_which_one_is_something_else_is_a_question(self) -> None:
        assert asked([old(allow_accept=True), "and?"]).form == "question"


class TestQuestions:
    """Any other value."""

    @pytest.mark.parametrize(
        ("value", "schema", "text", "result"),
        [
            ("Which words?", None, "true", "true"),
            ({"what": "ready?"}, None, '{"ok": [1]}', {"ok": [1]}),
            ({"what": "ready?"}, None, "yes", "yes"),
            (7, None, "8", 8),
            ("How many?", {"type": "integer"}, "8", 8),
            ("How many?", {"type": "string"}, "8", "8"),
        ],
    )
    def test_what_is_written_is_read_as_the_graph_wants_it(
        self, value: object, schema: object, text: str, result: object
    ) -> None:
        assert told(value, answered(text=text), schema=schema) == result

    def test_options_stand_for_their_values(self) -> None:
        few, many = {"label": "a little", "value": 1}, {"label": "a lot", "value": 2}
        value = {"question": "How much?", "options": [few, many]}
        (question,) = asked(value).calls[0].questions
        assert [one.label for one in question.options] == ["a little", "a lot"]
        assert told(value, answered(options=("1",))) == 2

    def test_several_may_be_chosen_where_it_says_so(self) -> None:
        value = {"question": "Which?", "options": ["a", "b", "c"], "multi_select": True}
        assert told(value, answered(options=("0", "2"))) == ["a", "c"]

    @pytest.mark.parametrize(("option", "result"), [("0", True), ("1", False)])
    def test_a_schema_of_true_and_false_is_a_choice(self, option: str, result: bool) -> None:  # noqa: FBT001
        assert told("Shall I?", answered(options=(option,)), schema={"type": "boolean"}) is result

    @pytest.mark.parametrize(("text", "schema"), [("null", None), ("many", {"type": "integer"})])
    def test_what_would_leave_the_thread_stuck_is_never_sent(self, text: str, schema: object) -> None:
        with pytest.raises(MisfitError):
            told({"what": "?"}, answered(text=text), schema=schema)


VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.just(object()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["question", "options", "action_requests", "review_configs", "name", "args", "type", "x"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(value=VALUES, schema=st.none() | VALUES)
def test_whatever_a_graph_asks_somebody_can_be_asked(value: object, schema: object) -> None:
    """A value that cannot be shown would have the superstep tried for ever."""
    waiting = asked(value, schema)
    assert waiting.calls
    for call in waiting.calls:
        canonical_text(dict(call.args))
        canonical_text(call.context or {})
        assert call.questions or call.tool
