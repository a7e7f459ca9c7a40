"""A list of decisions: refused as a whole, or each for itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from httpx import Response

from placet.api.decisions.delivery import Limits
from placet_testing.gateway import Site, asked, config_of, people, problem


def item(approval: dict[str, Any], kind: str = "approve", **fields: Any) -> dict[str, Any]:
    return {"approval_id": approval["id"], "type": kind, "digest": approval["digest"], **fields}


async def decide(site: Site, user: str, *items: Any) -> Response:
    return await site.client(user).post("/v1/decisions", json={"decisions": list(items)})


async def test_each_is_answered_in_order_as_it_would_be_alone(site: Site) -> None:
    bot = site.client("bot")
    one, two, three = await asked(bot), await asked(bot), await asked(bot)
    await bot.post(f"/v1/approvals/{two['id']}/cancel")
    stale = {**item(three), "digest": "sha256:0"}
    answer = await decide(site, "dana", item(one, "reject", message="no"), item(two), stale)
    results = answer.json()["results"]
    assert [(one["approval_id"], one["status"]) for one in results] == [
        (one["id"], 200),
        (two["id"], 409),
        (three["id"], 409),
    ]
    assert results[0]["body"]["status"] == "rejected"
    assert results[1]["body"]["code"] == "cancelled"
    assert results[1]["body"]["approval"]["status"] == "cancelled"
    assert results[2]["body"]["code"] == "stale_digest"


async def test_what_is_recorded_says_so_item_by_item(site: Site) -> None:
    one = await asked(site.client("bot"))
    site.temporal.worker_up = False
    results = (await decide(site, "dana", item(one))).json()["results"]
    assert results[0]["status"] == 202
    assert results[0]["body"]["status"] == "recorded"


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "shape": ({"type": "approve"}, "/decisions/1/digest"),
    "unknown field": ({"type": "approve", "comment": "x"}, "/decisions/1/comment"),
    "a field of the type": ({"type": "respond"}, "/decisions/1"),
    "unknown id": ({"type": "approve", "approval_id": "0" * 32}, "/decisions/1"),
    "not an id": ({"type": "approve", "approval_id": "x"}, "/decisions/1"),
    "type not allowed": ({"type": "respond", "message": "x"}, "/decisions/1"),
    "arguments": ({"type": "edit", "args": {"amount": "x"}}, "/decisions/1"),
    "policy": ({"type": "edit", "args": {"amount": 9_999}}, "/decisions/1"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_one_that_is_wrong_refuses_the_whole_list(site: Site, name: str) -> None:
    bot = site.client("bot")
    good, bad = await asked(bot), await asked(bot, decisions=["approve", "edit"])
    changed, pointer = WRONG[name]
    wrong = {**item(bad), **changed}
    if name == "shape":
        del wrong["digest"]
    body = problem(await decide(site, "dana", item(good), wrong), 422, "invalid_request")
    assert body["errors"][0]["pointer"] == pointer
    assert not site.temporal.updates
    assert (await decide(site, "dana", item(good), item(bad))).json()["results"][1]["status"] == 200


async def test_one_that_is_not_ones_own_to_decide_refuses_the_whole_list(site: Site) -> None:
    good, other = await asked(site.client("bot")), await asked(site.client("bot"), approvers=["user:eve"])
    body = problem(await decide(site, "dana", item(good), item(other)), 422, "invalid_request")
    assert body["errors"] == [{"pointer": "/decisions/1", "code": "not_found", "message": body["errors"][0]["message"]}]
    own = await asked(site.client("max"))
    body = problem(await decide(site, "max", item(good), item(own)), 422, "invalid_request")
    assert body["errors"][0]["code"] == "self_approval"
    assert not site.temporal.updates


async def test_an_id_twice_refuses_the_whole_list(site: Site) -> None:
    one = await asked(site.client("bot"))
    body = problem(await decide(site, "dana", item(one), item(one, "reject")), 422, "invalid_request")
    assert body["errors"][0]["pointer"] == "/decisions/1"
    assert not site.temporal.updates


@pytest.mark.parametrize("count", [0, 101])
async def test_a_list_has_one_to_a_hundred(site: Site, count: int) -> None:
    one = {"approval_id": "0" * 32, "type": "approve", "digest": "x"}
    problem(await decide(site, "dana", *[one] * count), 422, "invalid_request")


async def test_ten_are_applied_at_a_time(make_site: Callable[..., Site]) -> None:
    site = make_site(config_of(people()), limits=Limits())
    bot = site.client("bot")
    approvals = [await asked(bot) for _ in range(25)]
    site.temporal.pause = 0.02
    answer = await decide(site, "dana", *(item(one) for one in approvals))
    assert [one["status"] for one in answer.json()["results"]] == [200] * 25
    assert site.temporal.together == 10


async def test_a_list_may_be_repeated_under_its_keys(site: Site) -> None:
    bot = site.client("bot")
    one, two = await asked(bot), await asked(bot)
    items = [item(one, idempotency_key="a"), item(two, "reject", idempotency_key="b")]
    first = (await decide(site, "dana", *items)).json()["results"]
    again = (await decide(site, "dana", *items)).json()["results"]
    assert [result["status"] for result in again] == [200, 200]
    assert [a["body"]["decision"] for a in again] == [f["body"]["decision"] for f in first]
    reused = (await decide(site, "dana", item(one, "reject", idempotency_key="a"), item(two))).json()["results"]
    assert [result["body"]["code"] for result in reused] == ["idempotency_key_reused", "already_decided"]


async def test_without_temporal_each_says_that_it_may_be_repeated(site: Site) -> None:
    one = await asked(site.client("bot"))
    site.temporal.reachable = False
    results = (await decide(site, "dana", item(one))).json()["results"]
    assert (results[0]["status"], results[0]["body"]["code"]) == (503, "unavailable")
    assert results[0]["body"]["idempotency_key"]
