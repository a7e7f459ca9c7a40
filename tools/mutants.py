"""Breaks the product on purpose, one promise at a time, and shows that the tests notice.

    python tools/mutants.py             every mutant
    python tools/mutants.py digest key  those whose name holds one of the words

Each mutant is a few words changed in a copy of the tree; the copy stands before the working tree on `PYTHONPATH`,
which is not touched. One that no test notices is a test that is missing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from placet_testing.mutants import ROOT, Mutant, mutants

SOURCES: Final = ("workflows", "activities", "gateway", "tests/support")
COPIED: Final = ("workflows", "activities", "gateway", "tests", "examples", "docs", "tools", "pyproject.toml")
LIMIT_SECONDS: Final = 900
"""For the tests of one mutant."""
TEST_SECONDS: Final = 300
"""For one test that has no limit of its own: what only takes long on a busy machine is no mistake that was noticed."""
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (\S.*?)(?: - .*)?$", re.MULTILINE)
_SOME_FAILED: Final = 1


def main(words: Sequence[str]) -> int:
    """Tries the mutants, prints what became of each, and returns 1 where one survived."""
    chosen = [one for one in mutants() if not words or any(word in one.name for word in words)]
    with tempfile.TemporaryDirectory(prefix="placet-mutants-") as folder:
        copy = Path(folder)
        _copy_tree(copy)
        selections = sorted({test for one in chosen for test in one.tests})
        print(f"{len(chosen)} mutants; first the tests themselves: {len(selections)} selections", flush=True)
        whole = _tested(copy, selections, at_first_failure=False)
        if whole.returncode != 0:
            print("The tests fail where nothing is broken, so nothing can be said.", whole.stdout[-2_000:], sep="\n")
            return 1
        alive = [one.name for one in chosen if not _is_caught(copy, one)]
    print(f"{len(chosen) - len(alive)} caught, {len(alive)} survived", *alive, sep="\n  ")
    return 1 if alive else 0


def _copy_tree(copy: Path) -> None:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__", ".placet"))
        else:
            shutil.copy(source, copy / name)


def _is_caught(copy: Path, mutant: Mutant) -> bool:
    """Breaks the copy, runs the tests, and mends it; a mutant that cannot even be collected is caught by nobody."""
    file = copy / mutant.file
    whole = file.read_text(encoding="utf-8")
    file.write_text(mutant.broken(copy), encoding="utf-8")
    began = time.monotonic()
    try:
        done = _tested(copy, mutant.tests, at_first_failure=True)
        seconds = time.monotonic() - began
    except subprocess.TimeoutExpired:
        print(f"caught    {mutant.name}: the tests hang")
        return True
    finally:
        file.write_text(whole, encoding="utf-8")
    failed = _FAILED.findall(done.stdout)
    caught = done.returncode == _SOME_FAILED and bool(failed)
    how = f"by {failed[0]}" if caught else f"pytest ended with {done.returncode}\n{done.stdout[-1_000:]}"
    print(f"{'caught   ' if caught else 'SURVIVED '} {mutant.name} ({seconds:.0f} s): {how}", flush=True)
    return caught


def _tested(copy: Path, tests: Sequence[str], *, at_first_failure: bool) -> subprocess.CompletedProcess[str]:
    first = [str(copy / source) for source in SOURCES]
    patient = f"--timeout={TEST_SECONDS}"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=line", "-rfE", patient, *tests]
    return subprocess.run(
        [*command, *(["-x"] if at_first_failure else [])],
        cwd=copy,
        # Without byte code on disk: two versions of a file within a second look the same to it.
        env={**os.environ, "PYTHONPATH": os.pathsep.join(first), "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS if at_first_failure else None,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
