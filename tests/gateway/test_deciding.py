"""One decision on one approval: the decision table, and every way to be told "no"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from placet.api.policy import ConfiguredPolicy
from placet.contracts.config import PolicyConfig, Rule
from placet_testing.gateway import QUESTION, Site, asked, config_of, people, problem, said

Approval = dict[str, Any]
SHOWN = "the digest that was shown"


async def assert_decidable(site: Site, approval: Approval) -> None:
    """Checks that an approval is still pending, and that a person can approve it."""
    read = await site.client("dana").get(f"/v1/approvals/{approval['id']}")
    assert read.json()["status"] == "pending"
    assert (await said(site.client("dana"), approval)).status_code == 200


def without_proof(answer: Approval) -> Approval:
    """What can be told while only the outcome says how it ended: the proof is the ledger's."""
    return {**answer, "decision": {**answer["decision"], "proof": None}}


async def test_an_approve_runs_exactly_what_was_shown(site: Site) -> None:
    approval = await asked(site.client("bot"))
    answer = (await said(site.client("dana"), approval)).json()
    assert answer["status"] == "approved"
    assert answer["decision"]["digest"] == approval["digest"]
    assert answer["decision"]["by"] == {"id": "user:dana", "name": "Dana Ito", "via": "api"}
    assert answer["decision"]["args"] is None
    assert answer["ended_at"] == "2026-11-22T12:00:00Z"


async def test_an_edit_keeps_both_arguments_and_both_digests(site: Site) -> None:
    approval = await asked(site.client("bot"))
    answer = (await said(site.client("dana"), approval, "edit", args={"amount": 99.5})).json()
    assert answer["status"] == "approved"
    assert answer["args"] == {"amount": 250, "order": "A-1"}
    assert answer["decision"]["args"] == {"amount": 99.5}
    assert answer["digest"] == approval["digest"] != answer["decision"]["digest"]


async def test_an_edit_that_changes_nothing_is_an_approve(site: Site) -> None:
    approval = await asked(site.client("bot"), args={"amount": 5_000}, args_schema=None)
    answer = (await said(site.client("dana"), approval, "edit", args={"amount": 5_000.0})).json()
    assert answer["decision"]["type"] == "approve"
    assert answer["decision"]["digest"] == approval["digest"]


async def test_a_reject_may_say_why(site: Site) -> None:
    approval = await asked(site.client("bot"))
    answer = (await said(site.client("dana"), approval, "reject", message="too much")).json()
    assert (answer["status"], answer["decision"]["message"]) == ("rejected", "too much")


async def test_a_response_stands_for_the_result(site: Site) -> None:
    approval = await asked(site.client("bot"))
    answer = (await said(site.client("dana"), approval, "respond", message="paid in cash")).json()
    assert (answer["status"], answer["decision"]["message"]) == ("responded", "paid in cash")


async def test_answers_come_in_the_order_of_the_questions(site: Site) -> None:
    response = await site.client("bot").post("/v1/approvals", json=QUESTION)
    approval = response.json()
    answers = {"q2": {"text": "because"}, "q1": {"options": ["2"]}}
    answer = (await said(site.client("dana"), approval, "answer", answers=answers)).json()
    assert answer["status"] == "answered"
    assert list(answer["decision"]["answers"]) == ["q1", "q2"]


async def test_a_question_is_skipped_only_where_it_may_be(site: Site) -> None:
    bot, dana = site.client("bot"), site.client("dana")
    strict = (await bot.post("/v1/approvals", json=QUESTION)).json()
    refused = problem(await said(dana, strict, "skip"), 403, "decision_not_allowed")
    assert refused["allowed_decisions"] == ["answer"]
    lenient = (await bot.post("/v1/approvals", json={**QUESTION, "allow_skip": True})).json()
    assert (await said(dana, lenient, "skip")).json()["status"] == "skipped"


async def test_who_started_it_may_answer_a_question_that_names_the_requester(site: Site) -> None:
    bot = site.client("bot")
    approval = (await bot.post("/v1/approvals", json={**QUESTION, "approvers": ["requester"]})).json()
    answers = {"q1": {"options": ["1"]}, "q2": {"text": "mine"}}
    assert (await said(bot, approval, "answer", answers=answers)).json()["status"] == "answered"


async def test_the_loser_is_told_who_won_when_and_how(site: Site) -> None:
    approval = await asked(site.client("bot"))
    await said(site.client("dana"), approval)
    late = problem(await said(site.client("eve"), approval, "reject"), 409, "already_decided")
    assert late["approval"]["status"] == "approved"
    assert late["approval"]["decision"]["by"]["id"] == "user:dana"
    assert "Dana Ito" in late["detail"]


async def test_the_loser_is_told_also_while_the_ledger_lags(site: Site) -> None:
    approval = await asked(site.client("bot"))
    site.temporal.writes = False
    won = (await said(site.client("dana"), approval)).json()
    late = problem(await said(site.client("eve"), approval), 409, "already_decided")
    assert late["approval"]["decision"] == without_proof(won)["decision"]
    assert late["approval"]["status"] == "approved"


@pytest.mark.parametrize(
    ("said_", "status", "code"),
    [
        ({"type": "approve", "digest": "sha256:0"}, 409, "stale_digest"),
        ({"type": "approve"}, 422, "invalid_decision"),
        ({"digest": SHOWN}, 422, "invalid_decision"),
        ({"type": "approve", "digest": None}, 422, "invalid_decision"),
        ({"type": "approve", "digest": "  "}, 422, "invalid_decision"),
        ({"type": "bless", "digest": SHOWN}, 422, "invalid_decision"),
        ({"type": "edit", "digest": SHOWN}, 422, "invalid_decision"),
        ({"type": "respond", "digest": SHOWN}, 422, "invalid_decision"),
        ({"type": "respond", "digest": SHOWN, "message": " \n"}, 422, "invalid_decision"),
        ({"type": "approve", "digest": SHOWN, "args": {}}, 422, "invalid_decision"),
        ({"type": "answer", "digest": SHOWN}, 422, "invalid_decision"),
        ({"type": "answer", "digest": SHOWN, "answers": {"q1": "yes"}}, 422, "invalid_decision"),
        ({"type": "answer", "digest": SHOWN, "answers": {}}, 403, "decision_not_allowed"),
        ({"type": "approve", "digest": 5}, 422, "invalid_request"),
        ({"type": ["approve"], "digest": SHOWN}, 422, "invalid_request"),
        ({"type": "approve", "digest": SHOWN, "comment": "ok"}, 422, "invalid_request"),
        ({"type": "edit", "digest": SHOWN, "args": [1]}, 422, "invalid_request"),
        ({"type": "edit", "digest": SHOWN, "args": {"amount": "many"}}, 422, "invalid_args"),
        ({"type": "edit", "digest": SHOWN, "args": {"amount": 1, "to": "me"}}, 422, "invalid_args"),
        ({"type": "edit", "digest": SHOWN, "args": {"amount": 1_001}}, 422, "edit_denied"),
    ],
)
async def test_what_is_wrong_is_refused_and_the_approval_stays_decidable(
    site: Site, said_: dict[str, Any], status: int, code: str
) -> None:
    approval = await asked(site.client("bot"))
    body = {**said_, "digest": approval["digest"]} if said_.get("digest") == SHOWN else said_
    answer = await site.client("dana").post(f"/v1/approvals/{approval['id']}/decision", json=body)
    problem(answer, status, code)
    assert not site.temporal.updates
    await assert_decidable(site, approval)


REFUNDS = PolicyConfig(
    rules=(
        Rule(name="huge", tool=("refund",), when="args.amount > 1000.0", effect="deny", reason="Never {args.amount}"),
        Rule(name="large", tool=("refund",), when="args.amount > 100.0", effect="ask"),
        Rule(
            name="of a run",
            tool=("refund",),
            when="has(args.order) && args.order == 'A-9' && run.turn > 5",
            effect="deny",
        ),
    )
)


@pytest.mark.parametrize("amount", [1000.01, 1001, 2**53 + 1, 2**70, 1e300])
async def test_an_edit_across_the_limit_of_a_condition_is_refused_by_its_rule(
    make_site: Callable[..., Site], amount: float
) -> None:
    config = config_of(people(), policy=REFUNDS)
    site = make_site(config, policy=ConfiguredPolicy(config))
    approval = await asked(site.client("bot"))
    refused = problem(await said(site.client("dana"), approval, "edit", args={"amount": amount}), 422, "edit_denied")
    assert refused["rule"] == "huge"
    assert refused["reason"].startswith("Never ")
    assert not site.temporal.updates
    await assert_decidable(site, approval)


@pytest.mark.parametrize("args", [{"amount": 1000}, {"amount": 100.5}, {"amount": 5, "order": "A-2"}])
async def test_an_edit_below_the_limit_of_a_condition_is_accepted(
    make_site: Callable[..., Site], args: dict[str, Any]
) -> None:
    config = config_of(people(), policy=REFUNDS)
    site = make_site(config, policy=ConfiguredPolicy(config))
    approval = await asked(site.client("bot"))
    answer = await said(site.client("dana"), approval, "edit", args=args)
    assert answer.status_code == 200, answer.text
    assert answer.json()["decision"]["args"] == args


async def test_an_edit_that_a_deny_rule_cannot_be_evaluated_for_is_refused(make_site: Callable[..., Site]) -> None:
    config = config_of(people(), policy=REFUNDS)
    site = make_site(config, policy=ConfiguredPolicy(config))
    approval = await asked(site.client("bot"))
    edit = await said(site.client("dana"), approval, "edit", args={"amount": 5, "order": "A-9"})
    refused = problem(edit, 422, "edit_denied")
    assert refused["reason"] == "The rule 'of a run' could not be evaluated: run is not known of this call."
    await assert_decidable(site, approval)


async def test_a_body_that_is_no_object_is_not_a_decision(site: Site) -> None:
    approval = await asked(site.client("bot"))
    for body in ("[]", '"approve"', "5", "null"):
        answer = await site.client("dana").post(f"/v1/approvals/{approval['id']}/decision", content=body)
        problem(answer, 422, "invalid_request")
    await assert_decidable(site, approval)


async def test_a_breach_of_the_schema_is_pointed_at(site: Site) -> None:
    approval = await asked(site.client("bot"))
    answer = await said(site.client("dana"), approval, "edit", args={"amount": "many"})
    assert problem(answer, 422, "invalid_args")["errors"][0]["pointer"] == "/args/amount"


async def test_a_denied_edit_names_the_rule_and_the_reason(site: Site) -> None:
    approval = await asked(site.client("bot"))
    answer = problem(await said(site.client("dana"), approval, "edit", args={"amount": 1_001}), 422, "edit_denied")
    assert (answer["rule"], answer["reason"]) == ("too much", "never over 1000")


async def test_a_stale_digest_is_answered_with_both(site: Site) -> None:
    approval = await asked(site.client("bot"))
    stale = {**approval, "digest": "sha256:0"}
    answer = problem(await said(site.client("dana"), stale), 409, "stale_digest")
    assert (answer["digest"], answer["given"]) == (approval["digest"], "sha256:0")


async def test_a_type_that_is_not_allowed_is_answered_with_those_that_are(site: Site) -> None:
    approval = await asked(site.client("bot"), decisions=["approve", "reject"])
    answer = await said(site.client("dana"), approval, "edit", args={"amount": 250, "order": "A-1"})
    assert problem(answer, 403, "decision_not_allowed")["allowed_decisions"] == ["approve", "reject"]
    await assert_decidable(site, approval)


@pytest.mark.parametrize(
    ("answers", "pointer"),
    [
        ({}, "/answers/q1"),
        ({"q1": {"options": ["9"]}, "q2": {"text": "x"}}, "/answers/q1"),
        ({"q1": {"options": ["1", "2"]}, "q2": {"text": "x"}}, "/answers/q1"),
        ({"q1": {"options": ["1"]}, "q2": {"text": "  "}}, "/answers/q2"),
        ({"q1": {"options": ["1"]}, "q2": {"text": "x"}, "q3": {"text": "x"}}, "/answers/q3"),
    ],
)
async def test_answers_that_do_not_fit_name_the_question(site: Site, answers: dict[str, Any], pointer: str) -> None:
    approval = (await site.client("bot").post("/v1/approvals", json=QUESTION)).json()
    answer = await said(site.client("dana"), approval, "answer", answers=answers)
    assert problem(answer, 422, "invalid_decision")["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("worker_up", [True, False])
async def test_after_the_deadline_nobody_decides_and_nothing_is_stored(site: Site, *, worker_up: bool) -> None:
    approval = await asked(site.client("bot"))
    site.clock.advance(days=3)
    site.temporal.worker_up = worker_up
    answer = problem(await said(site.client("dana"), approval), 409, "expired")
    assert (answer["approval"]["status"], answer["approval"]["decision"]) == ("expired", None)
    problem(await site.client("bot").post(f"/v1/approvals/{approval['id']}/cancel"), 409, "expired")
    assert not site.temporal.stored


async def test_past_the_deadline_a_ledger_that_lags_makes_nobody_say_that_nobody_decided(site: Site) -> None:
    approval = await asked(site.client("bot"))
    site.temporal.writes = False
    won = (await said(site.client("dana"), approval, key="k")).json()
    assert won["status"] == "approved"
    site.clock.advance(days=3)
    for late in (
        await said(site.client("eve"), approval, "reject"),
        await site.client("bot").post(f"/v1/approvals/{approval['id']}/cancel"),
    ):
        assert problem(late, 409, "already_decided")["approval"] == without_proof(won)
    again = await said(site.client("dana"), approval, key="k")
    assert (again.status_code, again.json()) == (200, won)


async def test_a_cancelled_and_a_terminated_approval_say_so(site: Site) -> None:
    bot, dana = site.client("bot"), site.client("dana")
    cancelled = await asked(bot)
    await bot.post(f"/v1/approvals/{cancelled['id']}/cancel")
    answer = problem(await said(dana, cancelled), 409, "cancelled")
    assert answer["approval"]["status"] == "cancelled"
    terminated = await asked(bot)
    site.temporal.approvals[terminated["id"]].terminated = True
    answer = problem(await said(dana, terminated), 409, "cancelled")
    assert answer["approval"]["status"] == "cancelled"


async def test_an_unknown_id_is_not_found(site: Site) -> None:
    for wrong in ("0" * 32, "x", "%00", "..%2f"):
        body = {"type": "approve", "digest": "x"}
        answer = await site.client("dana").post(f"/v1/approvals/{wrong}/decision", json=body)
        problem(answer, 404, "not_found")


async def test_integers_of_any_size_survive(site: Site) -> None:
    huge = 2**70 + 1
    approval = await asked(site.client("bot"), args={"amount": huge}, args_schema=None)
    assert approval["args"]["amount"] == huge
    answer = await said(site.client("dana"), approval, "edit", args={"amount": -huge})
    assert answer.json()["decision"]["args"]["amount"] == -huge


async def test_an_edit_is_judged_by_the_policy_of_the_file(make_site: Callable[..., Site]) -> None:
    rules = (Rule(name="no more refunds", tool=("refund",), effect="deny", reason="the desk is closed"),)
    site = make_site(config_of(people(), policy=PolicyConfig(rules=rules)), policy=None)
    approval = await asked(site.client("bot"))
    answer = await said(site.client("dana"), approval, "edit", args={"amount": 1})
    refused = problem(answer, 422, "edit_denied")
    assert (refused["rule"], refused["reason"]) == ("no more refunds", "the desk is closed")
    assert (await said(site.client("dana"), approval)).status_code == 200
