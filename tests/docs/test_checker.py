"""The checker of the docs finds what is broken: each test breaks one thing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

CHECKER: Final = Path(__file__).parents[2] / "tools" / "check_docs.py"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "gate.py").write_text("def judge() -> None: ...\nLIMIT: int = 3\n")
    (tmp_path / "docs" / "a.md").write_text("# One heading\n\n## `b`, and more\n")
    return tmp_path


def check(tree: Path, text: str) -> tuple[int, str]:
    (tree / "docs" / "b.md").write_text(text)
    done = subprocess.run(
        [sys.executable, str(CHECKER), str(tree)], capture_output=True, text=True, check=False, timeout=30
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    "sound",
    [
        "[a](a.md) [a](a.md#one-heading) [b](a.md#b-and-more)",
        "[out](https://example.com/nowhere)",
        "`workflows/gate.py` `workflows/gate.py::judge` `workflows/gate.py::LIMIT`",
        "```text\n[not a link](nowhere.md) `workflows/nowhere.py`\n```",
    ],
)
def test_passes_what_leads_somewhere(tree: Path, sound: str) -> None:
    code, said = check(tree, sound)
    assert code == 0, said


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("[gone](gone.md)", "no such file"),
        ("[gone](a.md#two-headings)", "no such heading"),
        ("[gone](#nothing-here)", "no such heading"),
        ("`workflows/gone.py`", "no such file"),
        ("`workflows/gate.py::decide`", "does not define decide"),
    ],
)
def test_stops_what_leads_nowhere(tree: Path, broken: str, reason: str) -> None:
    code, said = check(tree, broken)
    assert code == 1
    assert "docs/b.md" in said
    assert reason in said
