"""Stops a page that points at what is not there: another page, a heading, a file of the tree, a name in a file."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

TREE: Final = Path(__file__).parents[1]
_FENCE: Final = re.compile(r"^(?P<mark>`{3,}|~{3,}).*?^(?P=mark)[ \t]*$", re.DOTALL | re.MULTILINE)
_LINK: Final = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING: Final = re.compile(r"^#{1,6} +(?P<title>.+?) *#*$", re.MULTILINE)
_PATH: Final = re.compile(
    r"`(?P<path>(?:workflows|activities|gateway|tests|tools|examples|docs)/[\w./-]+)(?:::(?P<name>\w+))?`"
)


def pages_of(tree: Path) -> list[Path]:
    """Returns the README, the changelog and every page below docs."""
    top = [tree / "README.md", tree / "CHANGELOG.md"]
    return [page for page in [*top, *sorted((tree / "docs").rglob("*.md"))] if page.exists()]


def dead_ends(page: Path, tree: Path) -> Iterator[str]:
    """Yields a sentence for each link, path and name in the page that leads nowhere."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    where = page.relative_to(tree)
    for link in _LINK.finditer(text):
        problem = _dead_link(page, link["target"])
        if problem:
            yield f"{where}: {link['target']}: {problem}"
    for mention in _PATH.finditer(text):
        problem = _dead_mention(tree / mention["path"], mention["name"])
        if problem:
            yield f"{where}: {mention[0]}: {problem}"


def anchors(text: str) -> set[str]:
    """Returns the anchors of a page's headings, as the usual forges make them."""
    found: set[str] = set()
    for heading in _HEADING.finditer(_FENCE.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading["title"]).lower()
        anchor = base = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        nth = 0
        while anchor in found:
            nth += 1
            anchor = f"{base}-{nth}"
        found.add(anchor)
    return found


def _dead_link(page: Path, target: str) -> str | None:
    if re.match(r"[a-z]+:", target):
        return None
    name, _, anchor = target.partition("#")
    linked = page.parent / name if name else page
    if not linked.exists():
        return "no such file"
    if anchor and linked.suffix == ".md" and anchor not in anchors(linked.read_text("utf-8")):
        return "no such heading"
    return None


def _dead_mention(path: Path, name: str | None) -> str | None:
    if not path.exists():
        return "no such file"
    if name is None:
        return None
    defined = re.compile(rf"^\s*(?:(?:async )?def|class) {name}\b|^\s*{name}\b *[:=]", re.MULTILINE)
    return None if defined.search(path.read_text("utf-8")) else f"{path.name} does not define {name}"


def main(tree: Path) -> int:
    """Prints every dead end of the docs below `tree`; 1 where there is any."""
    pages = pages_of(tree)
    found = [sentence for page in pages for sentence in dead_ends(page, tree)]
    print("\n".join(found) if found else f"docs: {len(pages)} pages, every link and path leads somewhere")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else TREE))
