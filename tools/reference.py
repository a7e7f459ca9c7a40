"""Writes what the code says into the pages of docs/reference, between marks; `--check` only compares.

A page is written by hand but for its blocks: what stands between `<!-- generated: NAME -->` and `<!-- end: NAME -->`
comes from the code, so that it cannot say anything else.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import reference_langgraph
import reference_models
import reference_surfaces

PAGES: Final = Path(__file__).parents[1] / "docs" / "reference"
BLOCKS: Final[dict[str, Callable[[], str]]] = {
    "error codes": reference_models.error_codes,
    "settings": reference_models.settings,
    "events": reference_models.events,
    "search attributes": reference_models.search_attributes,
    "commands": reference_surfaces.commands,
    "endpoints": reference_surfaces.endpoints,
    "metrics": reference_surfaces.metrics,
    "langgraph endpoints": reference_langgraph.endpoints,
    "langgraph refusals": reference_langgraph.refusals,
    "langgraph not offered": reference_langgraph.not_offered,
    "approval": reference_models.approval,
    "run": reference_models.run,
    "exit codes": reference_surfaces.exit_codes,
    "exits by status": reference_surfaces.exits_by_status,
}
_BLOCK: Final = re.compile(r"<!-- generated: (?P<name>[^>]+) -->\n.*?<!-- end: (?P=name) -->", re.DOTALL)


def renewed(text: str) -> str:
    """Returns a page with each of its blocks made anew."""
    return _BLOCK.sub(lambda block: _block(block["name"]), text)


def out_of_date(folder: Path) -> list[Path]:
    """Returns the pages whose blocks say something else than the code."""
    return [page for page in sorted(folder.glob("*.md")) if renewed(page.read_text("utf-8")) != page.read_text("utf-8")]


def missing_blocks(folder: Path) -> list[str]:
    """Returns the blocks that no page has."""
    there = {block["name"] for page in folder.glob("*.md") for block in _BLOCK.finditer(page.read_text("utf-8"))}
    return sorted(set(BLOCKS) - there)


def main(*, check: bool) -> int:
    """Writes or compares every page; 1 where the reference was not what the code says."""
    missing = missing_blocks(PAGES)
    stale = out_of_date(PAGES)
    for name in missing:
        print(f"docs/reference: no page has the block {name!r}")
    for page in stale:
        if check:
            print(f"docs/reference/{page.name}: out of date; `make docs` writes it")
        else:
            page.write_text(renewed(page.read_text("utf-8")), "utf-8")
            print(f"docs/reference/{page.name}: written")
    return 1 if missing or (check and stale) else 0


def _block(name: str) -> str:
    return f"<!-- generated: {name} -->\n{BLOCKS[name]()}\n<!-- end: {name} -->"


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
