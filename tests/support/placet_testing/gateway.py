"""A gateway in memory: an app over a real ledger and a Temporal that tests steer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response

from placet.api.decisions.delivery import Limits
from placet.contracts.approvals import Approval
from placet.contracts.calls import Verdict
from placet.contracts.canonical import canonical_text, digest
from placet.contracts.config import AgentConfig, Config, People, User
from placet.ledger import Ledger
from placet_testing.fake_temporal import FakeClock, FakeTemporal

QUICK = Limits(
    update=timedelta(milliseconds=300),
    signal=timedelta(milliseconds=300),
    in_all=timedelta(milliseconds=600),
    before_deadline=timedelta(milliseconds=100),
    shortest=timedelta(milliseconds=10),
)


def key_of(user: str) -> str:
    return f"key-of-{user}"


def people() -> People:
    """Somebody of each kind."""
    users = {
        "dana": User(name="Dana Ito", groups=("finance",), roles=("approver",), keys=(mark_of("dana"),)),
        "eve": User(roles=("approver",), keys=(mark_of("eve"), mark_of("eve-phone"))),
        "bot": User(roles=("requester",), keys=(mark_of("bot"),)),
        "max": User(roles=("requester", "approver"), keys=(mark_of("max"),)),
        "audra": User(roles=("auditor",), keys=(mark_of("audra"),)),
        "both": User(roles=("auditor", "approver"), keys=(mark_of("both"),)),
        "root": User(roles=("admin",), keys=(mark_of("root"),)),
        "nobody": User(keys=(mark_of("nobody"),)),
        "robot": User(roles=("requester",), agent=True, keys=(mark_of("robot"),)),
    }
    return People(users=users)


def mark_of(user: str) -> str:
    return "sha256:" + hashlib.sha256(key_of(user).encode()).hexdigest()


def config_of(people: People | None, **changed: Any) -> Config:
    """A configuration with one agent."""
    agents = {"billing": AgentConfig(model="scripted:x")}
    return Config(people=people, agents=agents, **changed)


class FakePolicy:
    """Denies amounts over a thousand."""

    def judge_edit(self, approval: Approval, args: dict[str, Any]) -> Verdict:
        text = canonical_text(args)
        if args.get("amount", 0) > 1_000:
            return Verdict(effect="deny", rule="too much", reason="never over 1000", digest=digest(approval.tool, text))
        return Verdict(effect="ask", digest=digest(approval.tool, text))


@dataclass
class Site:
    """An app and what stands behind it."""

    app: FastAPI
    clock: FakeClock
    ledger: Ledger
    temporal: FakeTemporal
    clients: list[AsyncClient] = field(default_factory=list[AsyncClient])

    def client(self, user: str | None = None, **headers: str) -> AsyncClient:
        """A client of somebody's."""
        if user is not None:
            headers["Authorization"] = f"Bearer {key_of(user)}"
        transport = ASGITransport(app=self.app, raise_app_exceptions=False)
        client = AsyncClient(transport=transport, base_url="http://127.0.0.1:7117", headers=headers)
        self.clients.append(client)
        return client


SCHEMA = {
    "type": "object",
    "properties": {"amount": {"type": "number"}, "order": {"type": "string"}},
    "required": ["amount"],
    "additionalProperties": False,
}

REFUND: dict[str, Any] = {
    "kind": "tool_call",
    "tool": "refund",
    "args": {"amount": 250, "order": "A-1"},
    "args_schema": SCHEMA,
    "title": "Refund 250 on order A-1",
    "expires_after": "3d",
}

QUESTION: dict[str, Any] = {
    "kind": "question",
    "title": "Which account?",
    "questions": [
        {"question": "Which?", "options": ["savings", "current"]},
        {"question": "Why?", "allow_text": True},
    ],
}


async def asked(client: AsyncClient, **changed: Any) -> dict[str, Any]:
    """Asks for a refund and returns the approval."""
    body = {name: value for name, value in {**REFUND, **changed}.items() if value is not None}
    response = await client.post("/v1/approvals", json=body)
    assert response.status_code == 201, response.text
    return response.json()


async def said(
    client: AsyncClient, approval: dict[str, Any], kind: str = "approve", *, key: str | None = None, **fields: Any
) -> Response:
    """Decides on an approval."""
    headers = {"Idempotency-Key": key} if key else {}
    body = {"type": kind, "digest": approval["digest"], **fields}
    return await client.post(f"/v1/approvals/{approval['id']}/decision", json=body, headers=headers)


def problem(response: Response, status: int, code: str) -> dict[str, Any]:
    """Checks that an answer is this problem document, and returns it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["code"] == code, body
    assert body["status"] == status
    assert body["type"] == f"urn:placet:error:{code}"
    assert body["title"]
    assert body["detail"]
    return body
