"""Reading pages without a browser."""

from __future__ import annotations

from bs4 import BeautifulSoup
from httpx import AsyncClient, Response

from placet.web.answers import SECURITY


async def on_a_page(client: AsyncClient) -> AsyncClient:
    """Returns a client whose requests carry the token of our pages, as their forms do."""
    token = read(await client.get("/inbox")).select_one("meta[name=placet-csrf]")
    assert token is not None
    client.headers["X-Placet-CSRF"] = str(token["content"])
    return client


def read(answer: Response, status: int = 200) -> BeautifulSoup:
    """Checks that an answer is a page with this status, and returns it."""
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == SECURITY
    assert answer.headers["cache-control"] == "no-store"
    return BeautifulSoup(answer.text, "html.parser")
