"""Checks come in the order of the contract: whoever fails several is told of the first."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from httpx import AsyncClient

from placet.api.bodies import MAX_BODY
from placet_testing.gateway import Site, asked, problem

LARGE = b"x" * (MAX_BODY + 1)
POSTS = (
    "/v1/approvals",
    "/v1/approvals/{id}/decision",
    "/v1/approvals/{id}/cancel",
    "/v1/decisions",
    "/v1/runs",
    "/v1/runs/{id}/cancel",
)
UNKNOWN = "0" * 32


@pytest.mark.parametrize("path", POSTS)
async def test_size_then_sign_in_then_json_then_shape_then_the_rest(site: Site, path: str) -> None:
    url = path.format(id=UNKNOWN)
    stranger, nobody, audra = site.client(), site.client("nobody"), site.client("audra")
    problem(await stranger.post(url, content=LARGE), 413, "too_large")
    problem(await stranger.post(url, content=b"{"), 401, "unauthenticated")
    problem(await nobody.post(url, content=b"{"), 400, "malformed_json")
    problem(await nobody.post(url, content=b'{"x": 1}'), 422, "invalid_request")
    problem(await audra.post(url, content=b"[]"), 422, "invalid_request")


async def test_a_chunked_body_is_measured_while_it_streams(site: Site) -> None:
    async def chunks() -> AsyncGenerator[bytes]:
        for _ in range(3 * 16):
            yield b" " * 65_536

    answer = await site.client("bot").post("/v1/approvals", content=chunks())
    problem(answer, 413, "too_large")


@pytest.mark.parametrize("path", ["/v1/approvals", "/v1/runs"])
async def test_roles_are_looked_at_once_the_shape_is_right(site: Site, path: str) -> None:
    body = (
        {"agent": "billing", "input": "hi"} if path == "/v1/runs" else {"kind": "tool_call", "tool": "t", "title": "T"}
    )
    problem(await site.client("audra").post(path, json=body), 403, "not_allowed")
    problem(await site.client("nobody").post(path, json=body), 403, "not_allowed")


async def _decide(client: AsyncClient, approval_id: str, key: str | None = None, **body: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return await client.post(f"/v1/approvals/{approval_id}/decision", json=body, headers=headers)


async def test_a_decision_goes_through_every_check_in_order(site: Site) -> None:
    bot, dana, audra = site.client("bot"), site.client("dana"), site.client("audra")
    approval = await asked(bot, decisions=["approve", "edit"])
    shown = approval["digest"]
    # 404 before rights; shape before 404
    problem(await _decide(audra, UNKNOWN, type="bless", digest="x"), 422, "invalid_decision")
    problem(await _decide(audra, UNKNOWN, type="approve", digest="x"), 404, "not_found")
    # rights before the repeat of a key, the type, the arguments, the end and the digest
    problem(await _decide(audra, approval["id"], type="reject", digest="x"), 403, "not_allowed")
    # type before arguments, arguments before policy
    problem(await _decide(dana, approval["id"], type="respond", digest="x", message="m"), 403, "decision_not_allowed")
    bad = {"amount": "many"}
    problem(await _decide(dana, approval["id"], type="edit", digest="x", args=bad), 422, "invalid_args")
    over = {"amount": 2_000}
    problem(await _decide(dana, approval["id"], type="edit", digest="x", args=over), 422, "edit_denied")
    problem(await _decide(dana, approval["id"], type="approve", digest="x"), 409, "stale_digest")
    won = await _decide(dana, approval["id"], key="k", type="approve", digest=shown)
    assert won.status_code == 200
    # once it has ended: the repeat of a key before all that, the end before the digest and behind the rest
    problem(await _decide(dana, approval["id"], key="k", type="reject", digest="x"), 422, "idempotency_key_reused")
    problem(await _decide(dana, approval["id"], type="reject", digest="x"), 403, "decision_not_allowed")
    problem(await _decide(dana, approval["id"], type="edit", digest="x", args=bad), 422, "invalid_args")
    problem(await _decide(dana, approval["id"], type="edit", digest="x", args=over), 422, "edit_denied")
    problem(await _decide(dana, approval["id"], type="approve", digest="x"), 409, "already_decided")
    problem(await _decide(audra, approval["id"], type="approve", digest=shown), 403, "not_allowed")
