"""What the worker has found out about its graphs, for `placet doctor`: it has published it with them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from placet.engine.findings import Finding, State
from placet.engine.ledger_address import ledger_address
from placet.engine.settings import Settings

_LIMIT: Final = 10.0
_REMEDY: Final = "See docs/how-to/run-a-langgraph-graph.md, under “What to know”."


async def examine_graphs(settings: Settings) -> list[Finding]:
    """Returns a finding for each graph that there is something to say of; none where no worker has published any."""
    try:
        async with asyncio.timeout(_LIMIT):
            published = await _published(settings)
    except (SQLAlchemyError, OSError, TimeoutError, ModuleNotFoundError, ValueError):
        return []  # What is wrong with the ledger is a finding of its own.
    return list(_findings(published))


async def _published(settings: Settings) -> list[dict[str, Any]]:
    url = ledger_address(settings.ledger_url)
    if url.get_backend_name() == "sqlite" and not await asyncio.to_thread(Path(url.database or "").is_file):
        return []  # To connect would make one.
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            rows = (await connection.execute(text("SELECT body FROM agents ORDER BY name"))).scalars().all()
            return [cast("dict[str, Any]", json.loads(row)) for row in rows]
    finally:
        await engine.dispose()


def _findings(published: list[dict[str, Any]]) -> Iterator[Finding]:
    for agent in published:
        for warning in agent.get("warnings") or ():
            found = f"{agent.get('name')}: {warning}"
            yield Finding(subject="graph", state=State.IDLE, found=found, remedy=_REMEDY)
