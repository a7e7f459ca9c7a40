"""Reading pages without a browser."""

from __future__ import annotations

from bs4 import BeautifulSoup, Tag
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


def as_sent(form: Tag, **typed: str | list[str]) -> dict[str, list[str]]:
    """Returns what a browser sends with a form, its line ends included; `typed` replaces what stands in fields."""
    sent: dict[str, list[str]] = {}
    for field in form.select("input[name], textarea[name], select[name]"):
        name, value = str(field["name"]), _value(field)
        if value is not None:
            sent.setdefault(name, []).append(_sent(value))
    return sent | {name: [text] if isinstance(text, str) else text for name, text in typed.items()}


def _value(field: Tag) -> str | None:
    """Returns what stands in a field; None where a browser sends nothing of it."""
    if field.name == "textarea":
        # The first line feed of a text area is none of its text.
        return field.text.removeprefix("\n")
    if field.name == "select":
        chosen = field.select_one("option[selected]") or field.select_one("option")
        return None if chosen is None else str(chosen.get("value", chosen.text))
    if field.get("type") in {"checkbox", "radio"} and not field.has_attr("checked"):
        return None
    value = str(field.get("value", ""))
    return value if field.get("type") == "hidden" else value.replace("\r", "").replace("\n", "")


def _sent(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
