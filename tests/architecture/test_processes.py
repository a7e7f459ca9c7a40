"""Worker and gateway are processes of their own: only the two commands that run them load them.

Import rules between packages are import-linter's (`pyproject.toml`); `placet.worker` is a module and beyond it.
A command line or a gateway that loaded the worker would load users' code, and LangChain's seconds with it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
ROOTS: Final = ("workflows", "activities", "gateway")


def importers(wanted: str) -> Iterator[str]:
    """Yields each module, from its source root, that imports the wanted one or anything in it."""
    for root in ROOTS:
        for path in sorted((ROOT / root).rglob("*.py")):
            names: set[str] = set()
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    names |= {f"{node.module}.{alias.name}" for alias in node.names}
            if any(name == wanted or name.startswith(f"{wanted}.") for name in names):
                yield path.relative_to(ROOT / root).as_posix()


def test_only_its_command_loads_the_worker() -> None:
    assert list(importers("placet.worker")) == ["placet/cli/serve.py"]


def test_only_its_command_and_its_surfaces_load_the_gateway() -> None:
    surfaces = ("placet/api/", "placet/web/", "placet/langgraph_api/")
    outside = [path for path in importers("placet.api") if not path.startswith(surfaces)]
    assert outside == ["placet/cli/serve.py"]
