"""Rubbish of every kind gets a clear 4xx, and changes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from placet_testing.gateway import Site, asked, said

DEEP = 5_000
RUBBISH: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b" \n",
    "not json": b"{not json}",
    "cut": b'{"type": "approve", "digest": ',
    "two documents": b"{} {}",
    "not UTF-8": b'{"type": "\xff\xfe"}',
    "UTF-16": '{"type": "approve"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"type": "approve"}',
    "NaN": b'{"type": "edit", "args": {"amount": NaN}}',
    "Infinity": b'{"type": "edit", "args": {"amount": -Infinity}}',
    "1e999": b'{"type": "edit", "args": {"amount": 1e999}}',
    "lone surrogate": b'{"type": "respond", "message": "\\ud800"}',
    "lone surrogate as a key": b'{"\\udfff": 1}',
    "same key twice": b'{"type": "approve", "type": "reject"}',
    "same key twice, escaped": b'{"type": "approve", "\\u0074ype": "reject"}',
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"args":' * DEEP + b"1" + b"}" * DEEP,
    "deep and cut": b"[" * DEEP,
    "a million digits": b'{"args": {"amount": ' + b"9" * 900_000 + b"}}",
    "a thousand and one digits": b'{"args": {"amount": ' + b"9" * 1_001 + b"}}",
    "3 MB": b'{"message": "' + b"x" * 3_000_000 + b'"}',
    "a megabyte of brackets": b"[" * 1_000_000,
    "single quotes": b"{'type': 'approve'}",
    "comment": b'{"type": "approve" /* really */}',
    "trailing comma": b'{"type": "approve",}',
    "control character": b'{"type": "a\x00b"}',
    "form": b"type=approve&digest=x",
}
ENDPOINTS = (
    "/v1/approvals",
    "/v1/approvals/{id}/decision",
    "/v1/approvals/{id}/cancel",
    "/v1/decisions",
    "/v1/runs",
)


@pytest.mark.parametrize("name", RUBBISH)
async def test_rubbish_is_refused_clearly(site: Site, name: str) -> None:
    approval = await asked(site.client("bot"))
    root = site.client("root")
    for endpoint in ENDPOINTS:
        if not RUBBISH[name].strip() and endpoint.endswith("/cancel"):
            continue
        answer = await root.post(endpoint.format(id=approval["id"]), content=RUBBISH[name])
        assert answer.status_code in {400, 413}, (endpoint, answer.status_code, answer.text[:200])
        assert answer.json()["code"] in {"malformed_json", "too_large"}
        assert len(answer.content) < 2_000
    assert not site.temporal.updates
    assert (await said(site.client("dana"), approval)).status_code == 200


STRANGE: dict[str, Any] = {
    "2^63": 2**63,
    "-2^63": -(2**63),
    "2^70": 2**70,
    "a thousand digits": int("9" * 1_000),
    "smallest double": 5e-324,
    "negative zero": -0.0,
    "NUL": "a\x00b",
    "bidi": "\u202egnp.exe",
    "astral": "\U0001f4a9",
    "ninety deep": None,
}


@pytest.mark.parametrize("name", STRANGE)
async def test_what_is_strange_and_json_comes_back_as_it_was(site: Site, name: str) -> None:
    value = STRANGE[name]
    if name == "ninety deep":
        for _ in range(90):
            value = [value]
    bot, dana = site.client("bot"), site.client("dana")
    approval = await asked(
        bot, args={"v": value}, args_schema=None, title=f"T {name}", context={"v": value}, metadata={"v": value}
    )
    assert (approval["args"]["v"], approval["context"]["v"], approval["metadata"]["v"]) == (value,) * 3
    answer = await said(dana, approval, "edit", args={"w": value}, message="m\x00")
    assert answer.status_code == 200, answer.text
    read = (await dana.get(f"/v1/approvals/{approval['id']}")).json()
    assert read["decision"]["args"] == {"w": value}
    assert json.dumps(read["args"]) == json.dumps(approval["args"])


@pytest.mark.parametrize(
    "query",
    [
        "status=done", "limit=0", "limit=201", "limit=x", "limit=99999999999999999999", "sort=title", "cursor=x",
        "cursor=%00", "cursor=", "kind=x", "risk=x", "wat=1", "q=", "tool=", "status=pending&status=",
    ],
)  # fmt: skip
async def test_a_query_that_is_wrong_is_refused(site: Site, query: str) -> None:
    answer = await site.client("dana").get(f"/v1/approvals?{query}")
    assert (answer.status_code, answer.json().get("code")) == (422, "invalid_query"), answer.text
    assert answer.json()["errors"][0]["pointer"]


@pytest.mark.parametrize("path", ["approvals", "runs"])
async def test_a_status_that_is_none_is_answered_once_with_all_there_are(site: Site, path: str) -> None:
    answer = await site.client("dana").get(f"/v1/{path}?status=done")
    [error] = answer.json()["errors"]
    assert error["pointer"] == "status"
    for status in ("expired", "cancelled", "any"):
        assert repr(status) in error["message"]
    assert answer.json()["detail"] == f"status: {error['message']}"
    assert error["message"].count("Input should be") == 1


@pytest.mark.parametrize("query", ["q=%00", "tool=%00", "q=%25_", "agent=%F0%9F%92%A9", "run_id=%2e%2e"])
async def test_a_query_that_is_strange_finds_nothing(site: Site, query: str) -> None:
    answer = await site.client("dana").get(f"/v1/approvals?{query}")
    assert (answer.status_code, answer.json()) == (200, {"items": [], "next_cursor": None})


@pytest.mark.parametrize("given", ["-1", "x", "nan", "inf", ""])
async def test_a_timeout_that_is_wrong_is_refused(site: Site, given: str) -> None:
    approval = await asked(site.client("bot"))
    answer = await site.client("dana").get(f"/v1/approvals/{approval['id']}/wait?timeout={given}")
    assert (answer.status_code, answer.json().get("code")) == (422, "invalid_query"), answer.text
