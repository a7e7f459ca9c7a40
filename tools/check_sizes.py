"""Stops a function of more than 60 lines and a module of more than 500: one evening must be enough to read it all."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOTS: Final = ("workflows", "activities", "gateway", "tests", "examples", "benchmarks", "tools")
FUNCTION_LINES: Final = 60
MODULE_LINES: Final = 500


def too_long(path: Path) -> Iterator[str]:
    """Yields a sentence for the module and each function of it that is too long."""
    source = path.read_text(encoding="utf-8")
    lines = source.count("\n")
    if lines > MODULE_LINES:
        yield f"{path}: {lines} lines, at most {MODULE_LINES}: split it by subject"
    for node in ast.walk(ast.parse(source, str(path))):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > FUNCTION_LINES:
            yield f"{path}:{node.lineno}: {node.name} has {length} lines, at most {FUNCTION_LINES}"


def main() -> int:
    """Prints what is too long below the working directory; 1 where there is any."""
    paths = sorted(path for root in ROOTS for path in Path(root).rglob("*.py"))
    complaints = [complaint for path in paths for complaint in too_long(path)]
    print("\n".join(complaints) if complaints else f"sizes: {len(paths)} files, none too long")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
