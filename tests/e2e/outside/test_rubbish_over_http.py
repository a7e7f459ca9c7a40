"""Rubbish on the wire: clear 4xx, never a 5xx, nothing changed, and what is strange but JSON comes back whole."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from placet_testing.deployment import Deployment
from placet_testing.gateway import key_of, problem

pytestmark = pytest.mark.timeout(120)

DEEP = 50_000
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "truncated": b'{"type": "approve", "digest": "sha',
    "deep lists": b'{"type": "edit", "args": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "101 deep": b"[" * 101 + b"]" * 101,
    "NaN": b'{"type": "edit", "digest": "x", "args": {"amount": NaN}}',
    "Infinity": b'{"type": "edit", "digest": "x", "args": {"amount": -Infinity}}',
    "1e999": b'{"type": "edit", "digest": "x", "args": {"amount": 1e999}}',
    "lone surrogate": b'{"type": "reject", "digest": "x", "message": "\\ud800"}',
    "surrogates turned round": b'{"type": "reject", "digest": "x", "message": "\\udc00\\ud800"}',
    "raw surrogate": b'{"type": "reject", "digest": "x", "message": "\xed\xa0\x80"}',
    "the same key twice": b'{"type": "approve", "digest": "x", "digest": "y"}',
    "3 MB": b'{"type": "reject", "digest": "x", "message": "' + b"x" * 3_000_000 + b'"}',
    "3 MB of spaces": b" " * 3_000_000,
    "huge digits": b'{"args": {"amount": ' + b"9" * 1_000_000 + b"}}",
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "a string": b'"approve"',
    "UTF-16": '{"type": "approve"}'.encode("utf-16"),
    "form": b"type=approve&digest=x",
    "multipart": b'--x\r\ncontent-disposition: form-data; name="type"\r\n\r\napprove\r\n--x--\r\n',
    "zeros": b"\0" * 1_000,
}
PATHS = ("/v1/approvals", "/v1/approvals/{id}/decision", "/v1/approvals/{id}/cancel", "/v1/decisions", "/v1/runs")


@pytest.mark.parametrize("name", BODIES)
def test_rubbish_is_refused_and_changes_nothing(deployment: Deployment, name: str) -> None:
    asked = deployment.ask()
    for path in PATHS:
        if name == "nothing" and path.endswith("/cancel"):
            continue
        answer = deployment.client("root").post(path.format(id=asked["id"]), content=BODIES[name])
        assert answer.status_code in {400, 413, 422}, (path, answer.text[:300])
        problem(answer, answer.status_code, answer.json()["code"])
        assert len(answer.content) < 4_000
    assert deployment.read(asked) == asked
    assert deployment.decide(asked).status_code == 200


@pytest.mark.parametrize(
    "given", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/xml", "image/png", "x", ""]
)
def test_the_content_type_makes_no_difference_to_what_the_bytes_are(deployment: Deployment, given: str) -> None:
    asked = deployment.ask()
    url, headers = f"/v1/approvals/{asked['id']}/decision", {"content-type": given}
    answer = deployment.client("dana").post(url, content=b"type=approve", headers=headers)
    problem(answer, 400, "malformed_json")
    body = f'{{"type": "approve", "digest": "{asked["digest"]}"}}'.encode()
    assert deployment.client("dana").post(url, content=body, headers=headers).status_code in {200, 415}


STRANGE: dict[str, Any] = {
    "2^53 + 1": 2**53 + 1,
    "2^63": 2**63,
    "2^70": 2**70,
    "-2^70": -(2**70),
    "a thousand digits": int("9" * 1_000),
    "smallest": 5e-324,
    "largest": 1.7976931348623157e308,
    "NUL": "a\x00b",
    "astral": "\U0001f4a9",
    "bidi": "\u202egnp.exe",
    "no key": {"": {"": []}},
    "proto": {"__proto__": 1, "constructor": None},
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_is_strange_and_json_is_decided_and_kept_whole(deployment: Deployment, name: str) -> None:
    value = STRANGE[name]
    asked = deployment.ask(args={"v": value}, args_schema=None, context={"v": value}, metadata={"v": value})
    assert (asked["args"]["v"], asked["context"]["v"], asked["metadata"]["v"]) == (value, value, value)
    answer = deployment.decide(asked, "edit", args={"w": value})
    assert answer.status_code == 200, answer.text
    kept = deployment.ended(asked)
    assert kept == answer.json()
    assert kept["decision"]["args"] == {"w": value}


def test_a_body_that_breaks_off_leaves_the_approval_decidable(deployment: Deployment) -> None:
    asked = deployment.ask()
    where = urlsplit(deployment.gateways[0].url)
    assert where.hostname
    assert where.port
    head = (
        f"POST /v1/approvals/{asked['id']}/decision HTTP/1.1\r\nHost: {where.netloc}\r\n"
        f"Authorization: Bearer {key_of('dana')}\r\nContent-Length: 1000\r\n\r\n"
    )
    for sent in (b"", b'{"type": "approve", "digest": "', b"\x00"):
        with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
            connection.sendall(head.encode() + sent)
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        connection.sendall(head.encode().replace(b"Content-Length: 1000", b"Content-Length: -5"))
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
    assert deployment.read(asked) == asked
    assert deployment.decide(asked).status_code == 200


@pytest.mark.parametrize(
    "given",
    ["", "x" * 256, "k\x01", "schlüssel", "\U0001f4a9"],
    ids=["empty", "long", "control", "latin", "astral"],
)
def test_a_strange_idempotency_key_is_refused_or_taken_as_it_is(deployment: Deployment, given: str) -> None:
    asked = deployment.ask()
    sent = {"type": "approve", "digest": asked["digest"]}
    url, headers = f"/v1/approvals/{asked['id']}/decision", {b"Idempotency-Key": given.encode()}
    answer = deployment.client("dana").post(url, json=sent, headers=headers)
    assert answer.status_code in {200, 400, 422}, answer.text
    if answer.status_code != 200:
        assert deployment.read(asked) == asked
        assert deployment.decide(asked).status_code == 200
