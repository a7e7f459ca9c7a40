"""Short questions to the processes of `placet up`: does it listen, does it answer?"""

from __future__ import annotations

import asyncio
from typing import Final

import httpx

from placet.engine.ports import LOOPBACK

_LIMIT: Final = 2.0


async def listens(port: int) -> bool:
    """Tells whether somebody accepts connections on a loopback port."""
    try:
        async with asyncio.timeout(_LIMIT):
            _, writer = await asyncio.open_connection(LOOPBACK, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def answers(url: str) -> bool:
    """Tells whether a GET is answered with 200."""
    # On this machine: no proxy of the environment, and no certificates, which take 20 ms to load each time.
    async with httpx.AsyncClient(timeout=_LIMIT, trust_env=False, verify=False) as client:  # noqa: S501
        try:
            return (await client.get(url)).is_success
        except httpx.HTTPError:
            return False
