"""Making programs with Go, where a Go toolchain is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from placet.engine.cache import kept, only_one, workshop
from placet.engine.errors import ProvisionError
from placet.engine.progress import Say, last_line, run_with_signs_of_life

GO_NEEDED: Final = (1, 26)
_LIMIT: Final = 3600.0
_VERSION: Final = re.compile(r"go(\d+)\.(\d+)(\S*)")


@dataclass(frozen=True, kw_only=True)
class GoProgram:
    """A program that `go install` makes.

    Attributes:
        name: Its name in the cache and in sentences.
        package: The Go package of its main function.
        version: The version that is built, without the `v`.
        takes: How long it takes, for the person who waits.
    """

    name: str
    package: str
    version: str
    takes: str

    @property
    def path(self) -> Path:
        """Where it lies when it has been built."""
        return kept(self.name, self.version) / self.name

    @property
    def built(self) -> bool:
        """Whether it has been built before."""
        return self.path.is_file()


SERVER: Final = GoProgram(
    name="temporal-server",
    package="go.temporal.io/server/cmd/server",
    version="1.32.1",
    takes="2 to 6 minutes on two cores",
)
"""The last current server that builds by `go install`; the command line does not (its go.mod replaces modules)."""

UI: Final = GoProgram(
    name="temporal-ui",
    package="github.com/temporalio/ui-server/v2/cmd/server",
    version="2.54.1",
    takes="about 20 seconds",
)


def go_toolchain() -> tuple[Path, str] | None:
    """Returns the `go` on PATH and its version, or None."""
    found = shutil.which("go")
    if found is None:
        return None
    try:
        asked = subprocess.run([found, "env", "GOVERSION"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Path(found), asked.stdout.strip().removeprefix("go")


def go_is_new_enough(version: str) -> bool:
    """Tells whether this version builds the server."""
    match = _VERSION.match(f"go{version}")
    return match is not None and (int(match[1]), int(match[2])) >= GO_NEEDED


def build(program: GoProgram, say: Say) -> Path:
    """Returns the program, built now unless it was before; two processes that want it build it once.

    Raises:
        ProvisionError: There is no Go that could build it, or the build failed.
    """
    if program.built:
        return program.path
    found = go_toolchain()
    if found is None or not go_is_new_enough(found[1]):
        have = f"Go {found[1]}" if found else "no Go"
        raise ProvisionError(
            program.name, f"building it needs Go {GO_NEEDED[0]}.{GO_NEEDED[1]} or newer, here is {have}"
        )
    with only_one(program.name, program.version, say):
        if not program.built:
            _build(program, found[0], say)
    return program.path


def _build(program: GoProgram, go: Path, say: Say) -> None:
    log = program.path.parent.parent / f"{program.version}.log"
    say(f"Building {program.name} {program.version} with Go ({program.takes}, once; then kept in {log.parent}).")
    with workshop(program.name, program.version) as folder:
        # Without cgo no C compiler is needed; the server's SQLite is written in Go.
        environment = os.environ | {"GOBIN": str(folder), "CGO_ENABLED": "0", "GOFLAGS": "", "GOOS": "", "GOARCH": ""}
        command = [go, "install", "-v", "-trimpath", "-ldflags=-s -w", f"{program.package}@v{program.version}"]
        what = f"building {program.name}"
        try:
            code = run_with_signs_of_life(command, what=what, say=say, log=log, environment=environment, limit=_LIMIT)
        except TimeoutError as error:
            raise ProvisionError(program.name, str(error), log) from error
        if code != 0:
            raise ProvisionError(program.name, f"the build failed: {last_line(log)}", log)
        (folder / program.package.rpartition("/")[2]).rename(folder / program.name)
