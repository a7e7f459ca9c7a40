"""What decides in a workflow must replay: it may import only what has no clock, no chance and no I/O.

Temporal runs a workflow's code again from its history, on another machine, weeks later. Code that reads a clock,
draws a random number, asks the system or starts a thread gives another answer then, and the run stops. The sandbox
catches much of this at run time, but it passes `placet.contracts` through unchecked; here it is caught before.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2] / "workflows" / "placet"
OURS: Final = {
    "contracts": ("placet.contracts",),
    "policy": ("placet.contracts", "placet.policy"),
    "runs": ("placet.contracts", "placet.runs"),
}
THIRD: Final = {
    "contracts": ("pydantic", "pydantic_core", "annotated_types", "typing_extensions"),
    "runs": ("pydantic", "temporalio.workflow", "temporalio.common", "temporalio.exceptions"),
}
IMPURE: Final = (
    *("asyncio.subprocess", "concurrent", "io", "logging", "multiprocessing", "os", "pathlib", "random", "secrets"),
    *("shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "time"),
    *("urllib.request", "urllib.error", "urllib.robotparser", "uuid"),
)
"""Modules of the standard library that lead to a clock, to chance or to the outside."""


def imported(path: Path) -> Iterator[str]:
    """Yields the full dotted name of everything the module imports, `from a import b` as `a.b`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, allowed: tuple[str, ...]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in allowed)


def modules(portion: str) -> list[Path]:
    found = sorted((ROOT / portion).rglob("*.py"))
    assert found, f"{ROOT / portion} holds no module"
    return found


def clock_calls(path: Path) -> Iterator[str]:
    """Yields each call of the wall clock or of chance that needs no suspicious import."""
    calls = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today")}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            if (owner, node.attr) in calls:
                yield f"{path}:{node.lineno}: {owner}.{node.attr}"


@pytest.mark.parametrize("portion", ["contracts", "runs"])
def test_imports_only_what_replays(portion: str) -> None:
    for path in modules(portion):
        for name in imported(path):
            if name.split(".")[0] in sys.stdlib_module_names:
                assert not within(name, IMPURE), f"{path} imports {name}: not the same at every replay"
            elif name.startswith("placet"):
                assert within(name, OURS[portion]), f"{path} imports {name}: not of its layer"
            else:
                assert within(name, THIRD[portion]), f"{path} imports {name}: not on the list"


def test_policy_knows_no_temporal_and_no_upper_layer() -> None:
    for path in modules("policy"):
        for name in imported(path):
            assert not within(name, ("temporalio",)), f"{path} imports {name}: policy is judged outside of workflows"
            assert not name.startswith("placet") or within(name, OURS["policy"]), f"{path} imports {name}"


@pytest.mark.parametrize("portion", ["contracts", "policy", "runs"])
def test_reads_no_clock(portion: str) -> None:
    """`workflow.now()` is the only clock; a pure function gets the time as an argument."""
    found = [call for path in modules(portion) for call in clock_calls(path)]
    assert found == []
