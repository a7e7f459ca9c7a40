"""What is on this machine: Python, packages, and the ways to a Temporal server."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Final

from placet.engine import building
from placet.engine.findings import Finding, State
from placet.engine.programs import Kind, Program, find_server, find_ui

_PYTHON: Final = (3, 11)
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


def examine_machine(*, temporal_given: bool) -> Iterator[Finding]:
    """Yields what is here; a server on this machine is not needed where one elsewhere was named."""
    yield _python()
    yield _packages()
    server = find_server()
    go = building.go_toolchain()
    builds = go is not None and building.go_is_new_enough(go[1])
    yield _server(server, builds=builds, given=temporal_given)
    yield _ui(server, builds=builds, given=temporal_given)
    yield _go(go, builds=builds, needed=server is None and not temporal_given)
    yield _java()


def _python() -> Finding:
    new_enough = sys.version_info >= _PYTHON
    return Finding(
        subject="Python",
        state=State.OK if new_enough else State.MISSING,
        found=f"{platform.python_version()} at {sys.executable}",
        remedy=None if new_enough else "Install Python 3.11 or newer.",
    )


def _packages() -> Finding:
    names = [match[0] for line in requires("placet") or [] if "extra ==" not in line and (match := _NAME.match(line))]
    lacking = [name for name in names if _version(name) is None]
    if lacking:
        remedy = "Install Placet again: pip install --force-reinstall placet"
        return Finding(subject="packages", state=State.MISSING, found=f"without {', '.join(lacking)}", remedy=remedy)
    found = f"placet {_version('placet')}, temporalio {_version('temporalio')}, langchain {_version('langchain')}"
    return Finding(subject="packages", state=State.OK, found=found)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _server(server: Program | None, *, builds: bool, given: bool) -> Finding:
    subject = "Temporal server"
    if server is not None:
        return Finding(subject=subject, state=State.OK, found=f"{server.origin}: {server.path}")
    if given:
        return Finding(subject=subject, state=State.IDLE, found="none here; an address is given")
    if builds:
        takes = f"built with Go by the first `placet up` ({building.SERVER.takes})"
        return Finding(subject=subject, state=State.IDLE, found=f"not here yet; downloaded, or {takes}")
    return Finding(
        subject=subject,
        state=State.MISSING,
        found="not here; `placet up` will try the SDK's download",
        remedy="Put `temporal` on PATH, name a server with TEMPORAL_ADDRESS, or install Go 1.26 or newer.",
    )


def _ui(server: Program | None, *, builds: bool, given: bool) -> Finding:
    subject = "Temporal UI"
    if server is not None and server.kind is Kind.CLI:
        return Finding(subject=subject, state=State.OK, found="part of the server")
    built = find_ui()
    if built is not None:
        return Finding(subject=subject, state=State.OK, found=f"built before: {built}")
    if builds or given or server is None:
        return Finding(subject=subject, state=State.IDLE, found="not here yet; comes with the server")
    remedy = "Install Go 1.26 or newer, which builds it, or put `temporal` on PATH, which brings its own."
    return Finding(subject=subject, state=State.IDLE, found="not here: `placet up` does without", remedy=remedy)


def _go(go: tuple[object, str] | None, *, builds: bool, needed: bool) -> Finding:
    if go is None:
        remedy = "Go 1.26 or newer builds the Temporal server: https://go.dev/dl" if needed else None
        return Finding(subject="Go", state=State.IDLE, found="not here", remedy=remedy)
    if not builds:
        remedy = "Only Go 1.26 or newer builds the Temporal server." if needed else None
        return Finding(subject="Go", state=State.IDLE, found=f"{go[1]} at {go[0]}", remedy=remedy)
    return Finding(subject="Go", state=State.OK, found=f"{go[1]} at {go[0]}")


def _java() -> Finding:
    """Only the tests need it."""
    java, maven = shutil.which("java"), shutil.which("mvn")
    if java is None or maven is None:
        lacking = " and ".join(name for name, path in (("java", java), ("mvn", maven)) if path is None)
        remedy = "Only for `make test`, where the SDK's download is out of reach."
        return Finding(subject="Java", state=State.IDLE, found=f"no {lacking} on PATH", remedy=remedy)
    asked = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False)
    lines = (asked.stderr or asked.stdout).splitlines()
    return Finding(subject="Java", state=State.OK, found=f"{lines[0] if lines else java}, with Maven (for tests)")
