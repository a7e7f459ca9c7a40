"""What Chromium shows, what the command line prints and what a tool has got are one value."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from random import Random
from typing import Any, Final
from uuid import uuid4

import pytest

from placet.contracts.canonical import canonical_text, digest, parse_json
from placet_testing.browser.fixtures import Opening
from placet_testing.browser.rows import shows_all
from placet_testing.browser.stack import SIGNED, Stack
from placet_testing.deployment import Json
from placet_testing.hostile import NUMBERS, TEXTS

A_TURN: Final = 10
"""Calls of a turn."""


def value(random: Random, depth: int = 0) -> Any:
    """Returns a value by chance."""
    kind = random.randrange(8 if depth < 4 else 5)
    match kind:
        case 0:
            return random.choice((None, True, False, "", 0))
        case 1:
            return random.choice(NUMBERS)
        case 2:
            return random.choice((random.getrandbits(random.randrange(1, 200)), random.gauss(0, 1e9)))
        case 3 | 4:
            return text(random)
        case 5 | 6:
            return {text(random): value(random, depth + 1) for _ in range(random.randrange(5))}
        case _:
            return [value(random, depth + 1) for _ in range(random.randrange(5))]


def text(random: Random) -> str:
    """Returns a text by chance: one of the corpus, or characters from anywhere."""
    if random.random() < 0.3:
        return random.choice(list(TEXTS.values()))
    anywhere = (random.choice((random.randrange(0x250), random.randrange(0x2000, 0x2070), random.randrange(0x11000)))
                for _ in range(random.randrange(20)))  # fmt: skip
    return "".join(chr(code) for code in anywhere if not 0xD800 <= code < 0xE000)


def printed(stack: Stack, approval: Json) -> Any:
    """Returns the arguments as `placet show --raw` prints them."""
    environment = {"PLACET_URL": stack.url(), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    command = (sys.executable, "-m", "placet.cli", "show", approval["id"], "--raw")
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return parse_json(ended.stdout)


def look(stack: Stack, open_page: Opening, calls: int, seed: int) -> None:
    """Has a run ask for calls, looks at each, approves it, and compares what the tool has got."""
    random = Random(seed)  # noqa: S311 - nothing here is a secret
    page = open_page("/inbox")
    for _ in range(calls // A_TURN):
        wanted = [{"text": uuid4().hex, "value": value(random), text(random): value(random)} for _ in range(A_TURN)]
        turns = json.dumps([[{"tool": "carry", "args": args} for args in wanted]])
        # Where people sign in: the worker knows nobody of local mode, and would ask again before anything runs.
        run = stack.client("bot", SIGNED).post("/v1/runs", json={"agent": "desk", "input": turns}).json()
        asked = stack.pending(run, A_TURN, limit=60)
        assert canonical_text(printed(stack, asked[0])) == canonical_text(wanted[0])
        for approval, args in zip(asked, wanted, strict=True):
            assert approval["digest"] == digest("carry", canonical_text(args))
            page.goto(f"/approvals/{approval['id']}?whole=1")
            shows_all(page, args)
            assert stack.decide(approval, user="dana", gateway=SIGNED).status_code == 200
        stack.finished(run, limit=60)
        for args in wanted:
            (effect,) = stack.effects(args["text"])
            assert effect["got"] == canonical_text(args)


def test_what_the_browser_shows_is_what_the_tool_gets(stack: Stack, open_page: Opening) -> None:
    look(stack, open_page, A_TURN, seed=1)


@pytest.mark.repeated
@pytest.mark.timeout(1_800)
def test_hundreds_of_calls_are_what_the_browser_shows(stack: Stack, open_page: Opening) -> None:
    seed = Random().randrange(2**32)  # noqa: S311 - nothing here is a secret
    print(f"seed {seed}")  # noqa: T201 - to try the same again
    look(stack, open_page, 300, seed)
