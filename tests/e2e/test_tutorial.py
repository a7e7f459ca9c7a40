"""The tutorial and the README, typed by a reader in two terminals: every block of them, on the real thing."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from placet_testing.console import Reader, Step, steps_of
from placet_testing.pages import TREE
from placet_testing.running_up import clean_environment, kill_all_of, processes_of, until

pytestmark = pytest.mark.timeout(400)

PAGES: Final = ("docs/tutorial/first-approval.md", "README.md")
COPIED: Final = ("pyproject.toml", "requirements.lock", "tools/setup.sh")
LINKED: Final = ("Makefile", "examples")
START_LIMIT: Final = 120.0
LIMIT: Final = 30.0
KILL: Final = "kill -9"
USUAL_PORT: Final = 7117


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks like a checkout after its set-up and holds no state.

    What `make` compares with the set-up is old here: a page never sets the shared environment up again.
    """
    folder = tmp_path / "placet"
    (folder / "tools").mkdir(parents=True)
    (folder / ".venv").mkdir()
    for name in COPIED:
        shutil.copyfile(TREE / name, folder / name)
        os.utime(folder / name, (0, 0))
    for name in (*LINKED, *(f".venv/{entry.name}" for entry in (TREE / ".venv").iterdir() if entry.name[0] != ".")):
        (folder / name).symlink_to(TREE / name)
    (folder / ".venv" / ".placet-installed").touch()
    return folder


@pytest.fixture
def reader(checkout: Path) -> Iterator[Reader]:
    """A reader with a terminal of usual width, who has set nothing."""
    chosen = {"COLUMNS": "120", "TERM": "xterm", "CI": "", "NO_COLOR": "1"}
    reader = Reader(checkout, {**os.environ, **clean_environment(), **chosen})
    yield reader
    reader.close()
    until(lambda: not processes_of(checkout / ".placet"))


def refunds(checkout: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(checkout / ".placet" / "shop" / "shop.db") as shop:
        return shop.execute("SELECT order_id, amount_cents, approved_by FROM refunds").fetchall()


def follow(reader: Reader, step: Step, checkout: Path) -> None:
    """Does what the page says, and looks closer where it kills everything."""
    before = set(processes_of(checkout / ".placet")) if step.command.startswith(KILL) else set[int]()
    expected = tuple(line.replace(f":{USUAL_PORT}", ":…") for line in step.expected)
    running = reader.do(replace(step, expected=expected), START_LIMIT if step.stays else LIMIT)
    moved = re.search(r"^\s*api\s+(\S+)/v1", running.output, re.MULTILINE) if step.stays else None
    if moved:
        # Somebody else may listen on the usual port; a reader then sets what `up` has printed.
        reader.environ["PLACET_URL"] = moved[1]
    if step.command.startswith(KILL):
        assert len(before) >= 4, "Temporal, the worker, the gateway and what starts them ran before"
        until(lambda: not before & set(processes_of(checkout / ".placet")))
        assert refunds(checkout) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_the_page_does_what_the_page_says(page: str, reader: Reader, checkout: Path) -> None:
    steps = steps_of((TREE / page).read_text("utf-8"))
    assert any(step.command.startswith(KILL) for step in steps), "the page kills everything"
    for step in steps:
        follow(reader, step, checkout)
    made = refunds(checkout)
    assert [row for row in made if row[0] == 1001] == [(1001, 2500, "user:local")]
    assert not (checkout / ".placet" / "shop" / "outbox").exists()
    kill_all_of(checkout / ".placet")
    follow(reader, Step("1", 0, "make up", ("Placet is up.",), stays=True), checkout)
    follow(reader, Step("2", 0, ".venv/bin/placet runs", ("billing",)), checkout)
    assert refunds(checkout) == made, "nothing runs again at the next start"
