"""Breaks the product on purpose, one promise at a time, and shows that the tests notice.

    python tools/mutants.py             every mutant
    python tools/mutants.py digest key  those whose name holds one of the words

Each mutant is a few words changed in a copy of the tree; the copy stands before the working tree on `PYTHONPATH`,
which is not touched. One that no test notices is a test that is missing. A test has noticed where it fails, and passes
once the mistake is mended.
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
TEST_SECONDS: Final = 120
"""For one test that has no limit of its own: what only takes long on a busy machine is no mistake that was noticed."""
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (\S.*?)(?: - .*)?$", re.MULTILINE)
_SOME_FAILED: Final = 1


def main(words: Sequence[str]) -> int:
    """Tries the mutants, prints what became of each, and returns 1 where one survived."""
    chosen = [one for one in mutants() if not words or any(word in one.name for word in words)]
    with tempfile.TemporaryDirectory(prefix="placet-mutants-") as folder:
        copy = Path(folder)
        _copy_tree(copy)
        print(f"{len(chosen)} mutants", flush=True)
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
        done = _tested(copy, mutant.tests)
        failed = _FAILED.findall(done.stdout) if done.returncode == _SOME_FAILED else []
        how = f"pytest ended with {done.returncode}\n{done.stdout[-1_000:]}"
    except subprocess.TimeoutExpired:
        failed, how = [], f"the tests did not end within {LIMIT_SECONDS} s"
    finally:
        file.write_text(whole, encoding="utf-8")
    seconds = time.monotonic() - began
    if failed:
        how = f"by {failed[0]}"
        if _tested(copy, failed[:1]).returncode != 0:
            failed, how = [], f"{how}, which fails where nothing is broken too"
    print(f"{'caught   ' if failed else 'SURVIVED '} {mutant.name} ({seconds:.0f} s): {how}", flush=True)
    return bool(failed)


def _tested(copy: Path, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Runs tests on the copy, up to the first that fails."""
    first = [str(copy / source) for source in SOURCES]
    flags = ("-q", "-x", "-p", "no:cacheprovider", "--tb=line", "-rfE", f"--timeout={TEST_SECONDS}")
    return subprocess.run(
        [sys.executable, "-m", "pytest", *flags, *tests],
        cwd=copy,
        # Without byte code on disk: two versions of a file within a second look the same to it.
        env={**os.environ, "PYTHONPATH": os.pathsep.join(first), "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
