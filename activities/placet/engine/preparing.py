"""Making a Temporal namespace ready for Placet, at every start."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Final

from temporalio.client import Client
from temporalio.service import RPCError

from placet.engine.connection import connect, ensure_namespace, open_client
from placet.engine.errors import TemporalUnreachable
from placet.engine.search_attributes import ensure_search_attributes
from placet.engine.settings import Settings

_PAUSE: Final = 0.1


async def prepare(settings: Settings, *, own: bool, patience: timedelta) -> Client:
    """Returns a client of a namespace that has all that Placet needs.

    Args:
        settings: Where Temporal is.
        own: Whether the server is ours, so that its namespace is registered too; in somebody's cluster it must exist.
        patience: How long to wait for the server to answer.

    Raises:
        TemporalUnreachable: It does not.
        SearchAttributesError: They are missing and may not be created.
    """
    began = time.monotonic()
    if own:
        await _register(settings, patience)
    left = max(timedelta(0), patience - timedelta(seconds=time.monotonic() - began))
    client = await connect(settings, patience=left)
    await ensure_search_attributes(client)
    return client


async def _register(settings: Settings, patience: timedelta) -> None:
    give_up = time.monotonic() + patience.total_seconds()
    while True:
        try:
            await ensure_namespace(await open_client(settings))
        except (RPCError, RuntimeError) as error:
            if time.monotonic() >= give_up:
                raise TemporalUnreachable(settings.temporal_address, settings.namespace, str(error)) from error
        else:
            return
        await asyncio.sleep(_PAUSE)
