"""Idempotency-Keys of decisions: repeated, reused, and after the end."""

from __future__ import annotations

from placet_testing.gateway import Site, asked, problem, said


async def test_a_repeat_of_the_winner_is_answered_as_the_first_time(site: Site) -> None:
    dana = site.client("dana")
    approval = await asked(site.client("bot"))
    first = await said(dana, approval, key="k")
    again = await said(dana, approval, key="k")
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json()["decision"] == first.json()["decision"]
    assert len(site.temporal.updates) == 1


async def test_a_repeat_is_answered_also_while_the_ledger_lags(site: Site) -> None:
    dana = site.client("dana")
    approval = await asked(site.client("bot"))
    site.temporal.writes = False
    first = await said(dana, approval, key="k")
    again = await said(dana, approval, key="k")
    assert again.json()["decision"] == first.json()["decision"]
    problem(await said(dana, approval, "reject", key="k"), 422, "idempotency_key_reused")


async def test_a_key_used_for_another_body_is_refused_also_after_the_end(site: Site) -> None:
    dana = site.client("dana")
    approval = await asked(site.client("bot"))
    await said(dana, approval, key="k")
    body = problem(await said(dana, approval, "reject", key="k"), 422, "idempotency_key_reused")
    assert body["idempotency_key"] == "k"


async def test_another_spelling_of_the_same_body_is_the_same(site: Site) -> None:
    dana = site.client("dana")
    approval = await asked(site.client("bot"))
    await said(dana, approval, "edit", key="k", args={"amount": 10, "order": "é"})
    again = await dana.post(
        f"/v1/approvals/{approval['id']}/decision",
        content=(
            '{"args": {"order": "\\u00e9", "amount": 10.0}, "message": null,'
            f'"digest": "{approval["digest"]}", "type": "edit"}}'
        ),
        headers={"Idempotency-Key": "k"},
    )
    assert again.status_code == 200


async def test_the_scope_of_a_key_is_the_caller_and_the_approval(site: Site) -> None:
    bot, dana = site.client("bot"), site.client("dana")
    one, other = await asked(bot), await asked(bot)
    assert (await said(dana, one, key="k")).status_code == 200
    assert (await said(dana, other, "reject", key="k")).status_code == 200
    problem(await said(site.client("eve"), one, key="k"), 409, "already_decided")


async def test_without_a_key_a_repeat_is_a_new_decision(site: Site) -> None:
    approval = await asked(site.client("bot"))
    assert (await said(site.client("dana"), approval)).status_code == 200
    problem(await said(site.client("dana"), approval), 409, "already_decided")


async def test_a_repeat_of_a_recorded_one_is_answered_at_once_and_sent_no_more(site: Site) -> None:
    dana = site.client("dana")
    approval = await asked(site.client("bot"))
    site.temporal.worker_up = False
    first = await said(dana, approval, key="k")
    sent = len(site.temporal.updates)
    again = await said(dana, approval, key="k")
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(site.temporal.updates) == sent
    problem(await said(dana, approval, "reject", key="k"), 422, "idempotency_key_reused")


async def test_a_repeat_of_a_recorded_one_is_told_how_it_went(site: Site) -> None:
    dana, eve = site.client("dana"), site.client("eve")
    approval = await asked(site.client("bot"))
    site.temporal.worker_up = False
    await said(dana, approval, key="k")
    await said(eve, approval, "reject", key="k")
    await site.temporal.return_worker()
    assert (await said(dana, approval, key="k")).status_code == 200
    problem(await said(eve, approval, "reject", key="k"), 409, "already_decided")
    problem(await said(eve, approval, "approve", key="k"), 422, "idempotency_key_reused")


async def test_a_refused_decision_may_be_repaired_under_its_key(site: Site) -> None:
    dana = site.client("dana")
    approval = await asked(site.client("bot"))
    problem(await said(dana, {**approval, "digest": "old"}, key="k"), 409, "stale_digest")
    assert (await said(dana, approval, key="k")).status_code == 200


async def test_a_key_has_to_be_one(site: Site) -> None:
    approval = await asked(site.client("bot"))
    for wrong in (" ", "k" * 256):
        problem(await said(site.client("dana"), approval, key=wrong), 422, "invalid_request")
