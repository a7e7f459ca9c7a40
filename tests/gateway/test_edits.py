"""An edited call comes under the rule that its own arguments match, not under that of the call it replaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from placet.api.decisions.edits import check_edit, risk_of_edit
from placet.api.identity import Caller
from placet.api.policy import ConfiguredPolicy
from placet.contracts.approvals import Approval
from placet.contracts.config import PolicyConfig, Rule
from placet_testing.gateway import Site, asked, config_of, people, problem, said

RULES = PolicyConfig(
    rules=(
        Rule(name="board", tool=("refund",), when="args.amount > 500.0", effect="ask", risk="critical"),
        Rule(name="finance", tool=("refund",), when="args.amount > 300.0", effect="ask", approvers=("group:finance",)),
        Rule(name="small", tool=("refund",), when="args.amount > 100.0", effect="ask", risk="low"),
    )
)
POLICY = ConfiguredPolicy(config_of(people(), policy=RULES))


@pytest.fixture
def strict(make_site: Callable[..., Site]) -> Site:
    return make_site(config_of(people(), policy=RULES), policy=POLICY)


async def test_an_edit_is_for_those_whom_its_own_rule_names(strict: Site) -> None:
    approval = await asked(strict.client("bot"))
    edit: dict[str, Any] = {"args": {"amount": 400, "order": "A-1"}}
    refused = problem(await said(strict.client("eve"), approval, "edit", **edit), 422, "edit_denied")
    assert (refused["rule"], refused["detail"]) == (
        "finance",
        "The edited call is for others to decide: group:finance.",
    )
    assert not strict.temporal.updates
    assert (await said(strict.client("dana"), approval, "edit", **edit)).json()["status"] == "approved"


async def test_an_edit_under_the_same_rule_is_for_whoever_was_asked(strict: Site) -> None:
    """Who asks from outside names approvers of their own, who stand in no rule."""
    approval = await asked(strict.client("bot"), approvers=["user:eve"])
    answer = await said(strict.client("eve"), approval, "edit", args={"amount": 150, "order": "A-1"})
    assert answer.json()["status"] == "approved"


async def test_in_a_list_the_edit_refuses_the_list(strict: Site) -> None:
    approval = await asked(strict.client("bot"))
    edit = {"approval_id": approval["id"], "type": "edit", "digest": approval["digest"], "args": {"amount": 400}}
    answer = await strict.client("eve").post("/v1/decisions", json={"decisions": [edit]})
    assert problem(answer, 422, "invalid_request")["errors"][0]["code"] == "edit_denied"
    assert not strict.temporal.updates


async def test_who_asked_edits_only_to_what_they_may_decide_themselves(strict: Site) -> None:
    approval = Approval.model_validate(await asked(strict.client("max"), risk="low"))
    shown = approval.model_copy(update={"self_approval": True})
    caller = Caller("max", roles=frozenset({"requester", "approver"}))
    graver = {"amount": 600, "order": "A-1"}
    refusal = check_edit(shown, graver, caller, POLICY, local=False)
    assert refusal is not None
    assert refusal.code == "edit_denied"
    assert check_edit(shown, graver, caller, POLICY, local=True) is None


async def test_an_edit_is_as_grave_as_its_own_rule_and_no_less_than_what_was_asked(strict: Site) -> None:
    shown = Approval.model_validate(await asked(strict.client("bot"), risk="high"))
    assert shown.args["amount"] == 250
    assert [risk_of_edit(shown, {"amount": amount}, POLICY) for amount in (150, 400, 600)] == [
        "high",
        "high",
        "critical",
    ]
