"""The pages of decisions have one form, are all listed, and what has no other test is held here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

TREE: Final = Path(__file__).parents[2]
DECISIONS: Final = TREE / "docs" / "decisions"
PAGES: Final = sorted(DECISIONS.glob("0*.md"))
SECTIONS: Final = ["Context", "Decision", "Alternatives", "Consequences", "Check"]
LONGEST: Final = 60


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_decision_has_its_sections_and_is_short(page: Path) -> None:
    text = page.read_text("utf-8")
    number = int(page.stem.partition("-")[0])
    assert text.startswith(f"# {number}. ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert "Status: " in text
    assert text.count("\n") <= LONGEST


def test_every_decision_is_listed_in_order_with_its_title() -> None:
    listed = re.findall(r"^(\d+)\. \[(.+)\]\((.+)\)$", (DECISIONS / "README.md").read_text("utf-8"), re.MULTILINE)
    titles = [(page.read_text("utf-8").partition("\n")[0].removeprefix("# "), page.name) for page in PAGES]
    assert [(f"{number}. {title}", name) for number, title, name in listed] == titles


def test_the_lock_names_no_host_and_every_file_has_a_hash() -> None:
    lock = (TREE / "requirements.lock").read_text("utf-8")
    assert "://" not in lock
    assert "--index-url" not in lock
    packages = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]
    assert packages, "the search finds nothing any more"
    assert [one.partition("\n")[0] for one in packages if "--hash=sha256:" not in one or "==" not in one] == []
