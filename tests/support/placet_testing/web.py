"""Reading pages without a browser."""

from __future__ import annotations

from bs4 import BeautifulSoup
from httpx import Response

from placet.web.answers import SECURITY


def read(answer: Response, status: int = 200) -> BeautifulSoup:
    """Checks that an answer is a page with this status, and returns it."""
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == SECURITY
    assert answer.headers["cache-control"] == "no-store"
    return BeautifulSoup(answer.text, "html.parser")
