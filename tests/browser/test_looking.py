"""Looking changes nothing: every link of every page is followed, as everybody, by GET and by HEAD."""

from __future__ import annotations

import sqlite3
from collections import deque
from typing import Final
from urllib.parse import urldefrag, urlencode, urljoin, urlsplit
from uuid import uuid4

import httpx
import pytest
from bs4 import BeautifulSoup, Tag

from placet_testing.browser.stack import LOCAL, SIGNED, Stack
from placet_testing.deployment import Json
from placet_testing.gateway import key_of
from placet_testing.web import as_sent

BEGIN: Final = ("/", "/inbox", "/inbox?tab=ended", "/inbox?tab=mine", "/runs", "/agents", "/settings")
ROLES: Final = ("", "dana", "eve", "bot", "max", "audra", "both", "root", "nobody")
MOST: Final = 150
"""Pages that one person looks at, at most."""
NOT_OF_PEOPLE: Final = ("sightings", "sqlite_sequence", "sqlite_stat1", "sqlite_stat4")
"""Tables that a worker writes while nobody does anything."""


@pytest.fixture
def everything(stack: Stack) -> list[Json]:
    """An approval of each kind and end, and a run that waits for two."""
    waiting = [
        stack.asked("bot", SIGNED),
        stack.asked("max", SIGNED, risk="critical", args={"amount": 1, "order": "x" * 3_000}),
        stack.ask(
            "bot", SIGNED, kind="question", title="Which?", questions=[{"question": "Which?", "options": ["a", "b"]}]
        ),
    ]
    ended = [stack.asked("bot", SIGNED) for _ in range(3)]
    for one, kind in zip(ended, ("approve", "reject", "respond"), strict=True):
        body = {"message": "done by hand"} if kind == "respond" else {}
        assert stack.decide(one, kind, gateway=SIGNED, **body).status_code == 200
    assert stack.withdraw(stack.asked("bot", SIGNED), gateway=SIGNED).status_code == 200
    run = stack.run([{"tool": "send", "args": {"text": uuid4().hex}}] * 2, user="")
    found = [*waiting, *ended, *stack.pending(run, 2)]
    for one in ended:
        stack.ended(one)
    return found


def held(stack: Stack) -> dict[str, list[tuple[object, ...]]]:
    """Returns all that the ledger holds."""
    with sqlite3.connect(f"file:{stack.ledger_file}?mode=ro", uri=True) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)  # noqa: S608 - its own names
            for name in names
            if name not in NOT_OF_PEOPLE
        }


def targets(page: BeautifulSoup, address: str) -> list[str]:
    """Returns where a page leads by links and by forms that only ask."""
    links = [str(tag["href"]) for tag in page.select("a[href], link[href]")]
    scripts = [str(tag["src"]) for tag in page.select("[src]")]
    asking = [asked(form) for form in page.select("form") if str(form.get("method", "get")).lower() == "get"]
    return [urldefrag(urljoin(address, link))[0] for link in (*links, *scripts, *asking)]


def asked(form: Tag) -> str:
    return f"{form.get('action') or ''}?{urlencode(as_sent(form), doseq=True)}"


def crawl(client: httpx.Client, begin: tuple[str, ...]) -> dict[str, int]:
    """Follows everything from these pages on, asks for each by HEAD too, and returns the answers' statuses."""
    base = str(client.base_url)
    waiting, seen = deque(urljoin(base, path) for path in begin), dict[str, int]()
    while waiting and len(seen) < MOST:
        address = waiting.popleft()
        if address in seen or urlsplit(address).netloc != urlsplit(base).netloc:
            continue
        client.head(address)
        with client.stream("GET", address) as answer:
            seen[address] = answer.status_code
            kind = answer.headers.get("content-type", "")
            if kind.startswith("text/event-stream"):
                continue
            answer.read()
        if "location" in answer.headers:
            waiting.append(urljoin(address, answer.headers["location"]))
        if kind.startswith("text/html"):
            waiting.extend(targets(BeautifulSoup(answer.text, "html.parser"), address))
    return seen


@pytest.mark.parametrize("user", ROLES, ids=lambda user: user or "local mode")
def test_whoever_looks_at_whatever_changes_nothing(stack: Stack, everything: list[Json], user: str) -> None:
    """Mail scanners and browsers that fetch ahead open every link that they find."""
    before = held(stack)
    headers = {"Authorization": f"Bearer {key_of(user)}"} if user else {}
    url = stack.url(gateway=SIGNED if user else LOCAL)
    paths = [f"/approvals/{one['id']}" for one in everything]
    edits = [f"{path}/edit{query}" for path in paths for query in ("", "?raw=1")]
    records = [f"/v1{path}" for path in paths]
    with httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False) as client:
        seen = crawl(client, (*BEGIN, *paths, *edits, *records))
    assert len(seen) > 30
    assert not [address for address, status in seen.items() if status >= 500]
    assert held(stack) == before
