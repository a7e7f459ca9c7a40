"""What is kept under a name: long texts, idempotency keys, agents, the ledger's own secret."""

from __future__ import annotations

import secrets as random
from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from placet.ledger._events import insert_once
from placet.ledger._locks import AGENTS, hold
from placet.ledger._shapes import AgentRow, KeyClaim
from placet.ledger._tables import agents as agents_table
from placet.ledger._tables import blobs, keys, secrets
from placet.ledger.errors import UnknownTextError

_SEAL = "seal"
_SEAL_BYTES = 32


async def put_text(connection: AsyncConnection, ref: str, text: str) -> None:
    """Keeps a text under its reference, which names its content."""
    row = {"ref": ref, "body": text}
    await insert_once(connection, blobs, row)


async def get_text(connection: AsyncConnection, ref: str) -> str:
    """Returns the text of a reference."""
    row = (await connection.execute(select(blobs.c.body).where(blobs.c.ref == ref))).first()
    if row is None:
        raise UnknownTextError(ref)
    return row.body


async def claim_key(connection: AsyncConnection, scope: str, key: str, fingerprint: str, target_id: str) -> KeyClaim:
    """Returns what the key stands for; the first caller's values stay."""
    row = {"scope": scope, "key": key, "fingerprint": fingerprint, "target_id": target_id}
    await insert_once(connection, keys, row)
    query = select(keys).where(keys.c.scope == scope, keys.c.key == key)
    kept = (await connection.execute(query)).one()
    return KeyClaim(target_id=kept.target_id, fingerprint=kept.fingerprint)


async def seal_key(connection: AsyncConnection) -> bytes:
    """Returns the ledger's secret, made by whoever needs it first."""
    row = {"name": _SEAL, "value": random.token_hex(_SEAL_BYTES)}
    await insert_once(connection, secrets, row)
    query = select(secrets.c.value).where(secrets.c.name == _SEAL)
    return bytes.fromhex((await connection.execute(query)).scalar_one())


async def put_agents(connection: AsyncConnection, agents: Sequence[AgentRow]) -> None:
    """Publishes the agents in place of those before."""
    await hold(connection, AGENTS)
    await connection.execute(delete(agents_table))
    for agent in agents:
        row = {"name": agent.name, "body": agent.model_dump(mode="json")}
        await insert_once(connection, agents_table, row)


async def agents(connection: AsyncConnection) -> list[AgentRow]:
    """Returns the published agents by name."""
    rows = await connection.execute(select(agents_table.c.body).order_by(agents_table.c.name))
    return [AgentRow.model_validate(row.body) for row in rows]
