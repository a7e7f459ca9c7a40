"""The fenced blocks of the docs' pages, for tests that check or run them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TREE: Final = Path(__file__).parents[3]
_BLOCK: Final = re.compile(r"^```(?P<language>\w*)(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: The page, seen from the tree's root.
        line: Where it begins, counted from 1.
        name: The file's name where the block is a whole file (`file=…`).
    """

    page: str
    line: int
    language: str
    name: str | None
    text: str


def pages() -> list[Path]:
    """Returns every page that people read."""
    return [TREE / "README.md", *sorted((TREE / "docs").rglob("*.md"))]


def blocks_of(page: Path) -> list[Block]:
    """Returns the page's fenced blocks in their order."""
    text = page.read_text("utf-8")
    where = str(page.relative_to(TREE))
    found: list[Block] = []
    for block in _BLOCK.finditer(text):
        name = re.search(r"file=(\S+)", block["info"])
        line = text.count("\n", 0, block.start()) + 1
        found.append(Block(where, line, block["language"], name[1] if name else None, block["text"]))
    return found


def file_of(page: str, name: str) -> str:
    """Returns the text of the block that is this file, in the page at this path."""
    (text,) = [block.text for block in blocks_of(TREE / page) if block.name == name]
    return text
