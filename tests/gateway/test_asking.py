"""Asking from outside any run, and withdrawing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from placet.contracts.canonical import canonical_text, digest
from placet.contracts.config import Defaults
from placet_testing.gateway import QUESTION, REFUND, Site, asked, config_of, people, problem, said


async def test_what_was_answered_can_be_read_at_once_with_no_worker_up(site: Site) -> None:
    site.temporal.worker_up = False
    approval = await asked(site.client("bot"))
    assert (await site.client("dana").get(f"/v1/approvals/{approval['id']}")).json() == approval
    assert approval["status"] == "pending"
    assert approval["requester"] == "user:bot"
    assert approval["run_id"] is None
    assert approval["execution"] is None
    assert approval["requested_at"] == "2026-11-22T12:00:00Z"
    assert approval["expires_at"] == "2026-11-25T12:00:00Z"
    assert approval["digest"] == digest("refund", canonical_text(approval["args"]))
    assert approval["temporal"]["url"].endswith(f"/workflows/approval-{approval['id']}/first")


async def test_what_is_left_out_comes_from_the_defaults(make_site: Callable[..., Site]) -> None:
    defaults = Defaults(approvers=("group:finance",), expires_after="1h", risk="high", decisions=("approve", "reject"))
    site = make_site(config_of(people(), defaults=defaults))
    approval = await asked(site.client("bot"), expires_after=None, args=None)
    assert approval["approvers"] == ["group:finance"]
    assert approval["expires_at"] == "2026-11-22T13:00:00Z"
    assert approval["risk"] == "high"
    assert approval["allowed_decisions"] == ["approve", "reject"]
    assert approval["args"] == {}
    question = (await site.client("bot").post("/v1/approvals", json=QUESTION)).json()
    assert question["allowed_decisions"] == ["answer"]


async def test_never_has_no_deadline(site: Site) -> None:
    assert (await asked(site.client("bot"), expires_after="never"))["expires_at"] is None


async def test_nothing_in_free_form_is_lost(site: Site) -> None:
    free = {"a": None, "b": [None, {"c": None}], "": 0}
    approval = await asked(site.client("bot"), args=free, args_schema=None, context=free, metadata=free)
    assert approval["args"] == approval["context"] == approval["metadata"] == free


async def test_long_arguments_are_kept_and_shown_whole(site: Site) -> None:
    long = {"amount": 1, "order": "x" * 200_000}
    approval = await asked(site.client("bot"), args=long)
    assert approval["args"] == long
    assert approval["digest"] == digest("refund", canonical_text(long))
    assert site.temporal.approvals[approval["id"]].asked.args.text is None
    assert (await said(site.client("dana"), approval)).json()["args"] == long


async def test_a_key_asks_once(site: Site) -> None:
    bot, headers = site.client("bot"), {"Idempotency-Key": "k"}
    first = await bot.post("/v1/approvals", json=REFUND, headers=headers)
    again = await bot.post("/v1/approvals", json=REFUND, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert len(site.temporal.approvals) == 1
    other = {**REFUND, "title": "Another"}
    problem(await bot.post("/v1/approvals", json=other, headers=headers), 422, "idempotency_key_reused")
    assert (await site.client("max").post("/v1/approvals", json=REFUND, headers=headers)).status_code == 201
    assert len(site.temporal.approvals) == 2


async def test_a_key_of_what_has_ended_shows_the_end(site: Site) -> None:
    bot, headers = site.client("bot"), {"Idempotency-Key": "k"}
    approval = (await bot.post("/v1/approvals", json=REFUND, headers=headers)).json()
    await said(site.client("dana"), approval)
    again = await bot.post("/v1/approvals", json=REFUND, headers=headers)
    assert (again.status_code, again.json()["status"]) == (201, "approved")


async def test_without_temporal_the_same_key_asks_later(site: Site) -> None:
    bot = site.client("bot")
    site.temporal.reachable = False
    body = problem(await bot.post("/v1/approvals", json=REFUND), 503, "unavailable")
    assert body["maybe_recorded"] is True
    site.temporal.reachable = True
    headers = {"Idempotency-Key": body["idempotency_key"]}
    assert (await bot.post("/v1/approvals", json=REFUND, headers=headers)).status_code == 201
    assert len(site.temporal.approvals) == 1


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "kind": ({"kind": "wish"}, "/kind"),
    "no title": ({"title": None}, "/title"),
    "blank title": ({"title": "  "}, "/title"),
    "unknown field": ({"assignee": "dana"}, "/assignee"),
    "server's own field": ({"requester": "user:dana"}, "/requester"),
    "seal": ({"seal": "x"}, "/seal"),
    "self_approval": ({"self_approval": True}, "/self_approval"),
    "no tool": ({"tool": None}, ""),
    "questions of a call": ({"questions": QUESTION["questions"]}, ""),
    "args": ({"args": [1]}, "/args"),
    "schema": ({"args_schema": {"type": "thing"}}, "/args_schema"),
    "approver": ({"approvers": ["role:approver", "dana"]}, "/approvers/1"),
    "empty approvers": ({"approvers": []}, "/approvers"),
    "empty decisions": ({"decisions": []}, "/decisions"),
    "decision": ({"decisions": ["answer"]}, "/decisions/0"),
    "duration": ({"expires_after": "soon"}, "/expires_after"),
    "no time": ({"expires_after": "0s"}, "/expires_after"),
    "risk": ({"risk": "enormous"}, "/risk"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_request_that_is_wrong_names_the_place(site: Site, name: str) -> None:
    changed, pointer = WRONG[name]
    body = {key: value for key, value in {**REFUND, **changed}.items() if value is not None}
    answer = problem(await site.client("bot").post("/v1/approvals", json=body), 422, "invalid_request")
    assert answer["errors"][0]["pointer"] == pointer
    assert not site.temporal.approvals


QUESTIONS: dict[str, tuple[list[Any], str]] = {
    "none": ([], ""),
    "five": ([{"question": "?", "allow_text": True}] * 5, "/questions"),
    "blank": ([{"question": " ", "allow_text": True}], "/questions/0/question"),
    "no way to answer": ([{"question": "?"}], "/questions/0"),
    "same labels": ([{"question": "?", "options": ["A", "a"]}], "/questions/0"),
    "same ids": ([{"id": "q", "question": "?", "allow_text": True}] * 2, ""),
    "unknown property": ([{"question": "?", "allow_text": True, "colour": 1}], "/questions/0/colour"),
    "unknown property of an option": (
        [{"question": "?", "options": [{"label": "A", "colour": 1}]}],
        "/questions/0/options/0/colour",
    ),
}


@pytest.mark.parametrize("name", QUESTIONS)
async def test_a_question_that_is_wrong_names_the_place(site: Site, name: str) -> None:
    questions, pointer = QUESTIONS[name]
    answer = await site.client("bot").post("/v1/approvals", json={**QUESTION, "questions": questions})
    assert problem(answer, 422, "invalid_request")["errors"][0]["pointer"] == pointer


async def test_a_schema_that_points_elsewhere_is_never_fetched(site: Site) -> None:
    schema = {"type": "object", "properties": {"amount": {"$ref": "http://127.0.0.1:9/schema.json"}}}
    approval = await asked(site.client("bot"), args_schema=schema)
    answer = await said(site.client("dana"), approval, "edit", args={"amount": 1})
    problem(answer, 422, "invalid_args")
    assert (await said(site.client("dana"), approval)).status_code == 200


async def test_a_schema_without_end_is_no_failure(site: Site) -> None:
    approval = await asked(site.client("bot"), args_schema={"$ref": "#"})
    problem(await said(site.client("dana"), approval, "edit", args={"amount": 1}), 422, "invalid_args")


async def test_who_asked_may_withdraw_and_the_record_says_why(site: Site) -> None:
    bot = site.client("bot")
    approval = await asked(bot)
    answer = await bot.post(f"/v1/approvals/{approval['id']}/cancel", json={"reason": "paid already"})
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert answer.json()["decision"] is None
    ended = site.temporal.approvals[approval["id"]].gate.ended
    assert ended is not None
    assert ended.by is not None
    assert (ended.by.id, ended.reason) == ("user:bot", "paid already")


@pytest.mark.parametrize(("user", "status"), [("bot", 200), ("root", 200), ("dana", 403), ("audra", 403), ("max", 403)])
async def test_only_who_asked_or_an_admin_withdraws(site: Site, user: str, status: int) -> None:
    approval = await asked(site.client("bot"))
    answer = await site.client(user).post(f"/v1/approvals/{approval['id']}/cancel")
    assert answer.status_code == status
    if status == 403:
        problem(answer, 403, "not_allowed")


async def test_what_has_ended_is_not_withdrawn(site: Site) -> None:
    bot, dana = site.client("bot"), site.client("dana")
    approval = await asked(bot)
    await said(dana, approval)
    lost = problem(await bot.post(f"/v1/approvals/{approval['id']}/cancel"), 409, "already_decided")
    assert lost["approval"]["decision"]["by"]["id"] == "user:dana"
    late = await asked(bot)
    site.clock.advance(days=9)
    problem(await bot.post(f"/v1/approvals/{late['id']}/cancel"), 409, "expired")


async def test_a_withdrawal_without_a_worker_is_recorded(site: Site) -> None:
    bot = site.client("bot")
    approval = await asked(bot)
    site.temporal.worker_up = False
    answer = await bot.post(f"/v1/approvals/{approval['id']}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "recorded")
    await site.temporal.return_worker()
    assert (await bot.get(f"/v1/approvals/{approval['id']}")).json()["status"] == "cancelled"
