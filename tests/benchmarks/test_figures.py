"""The figures can be measured: the program ends, and each figure has its line. What they are is for a quiet machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from placet_testing.running_up import clean_environment

ROOT = Path(__file__).parents[2]
FIGURES = (
    r"a decision over HTTP, p50 +\| [\d.,]+ ms +\| [\d.,]+ ms",
    r"a decision over HTTP, p95",
    r"decisions a second, \d+ at once +\| [\d.,]+ /s",
    r"from sending a decision to the tool, p50",
    r"from the answer \(200\) to the tool, p50",
    r"bytes of \d+ steps of 1 KiB +\| -?[\d.,]+ . user +\| [\d.,]+ . user .*LangGraph, SQLite",
    r"exponent of growth .*LangGraph, SQLite",
    r"of these, Temporal at \d+ steps",
    r"of these, ledger at \d+ steps",
    r"gap between steps, at \d+",
    r"bytes of a pending approval in Temporal",
    r"bytes of a pending approval in the ledger",
    r"from superstep to superstep, p50 +\| [\d.,]+ ms +\| [\d.,]+ ms .*LangGraph alone",
    r"in segments: from superstep to superstep, p50 +\| [\d.,]+ ms +\| [\d.,]+ ms .*Temporal's plugin",
    r"from an interrupt to its approval, p50",
    r"from an answer to the next node, p50",
    r"bytes of \d+ supersteps of 1 KiB +\| -?[\d.,]+ . user +\| [\d.,]+ . user",
    r"events of history a superstep +\| [\d.,]+ +\| [\d.,]+ .*Temporal's plugin",
)


@pytest.mark.timeout(240)
@pytest.mark.usefixtures("temporal_server", "temporals_plugin")
def test_a_quick_run_prints_every_figure_beside_its_baseline() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "run.py"), "--quick"]
    environment = {**os.environ, **clean_environment()}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    lines = ended.stdout.splitlines()
    assert len({len(line) for line in lines}) == 1, "the columns are aligned"
    for figure in FIGURES:
        assert any(re.search(figure, line) for line in lines), (figure, ended.stdout)


def test_what_has_no_cost_has_no_exponent_and_what_doubles_with_its_size_has_one_of_1() -> None:
    told = subprocess.run(
        (
            sys.executable,
            "-c",
            "from table import exponent; print(exponent([1, 2], [-5, 3]), round(exponent([1, 2], [3, 6]), 9))",
        ),
        cwd=ROOT / "benchmarks",
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["nan", "1.0"]
