"""Debian's Chromium: the one that is here, or the package."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from playwright.sync_api import Browser, sync_playwright

from placet.engine.errors import ProvisionError
from placet.engine.progress import Say, last_line, run_with_signs_of_life

NAME: Final = "Chromium"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS: Final = (
    # Tests run as root in containers, which have no user namespaces to give.
    "--no-sandbox",
    # Nothing leaves this machine, whatever a page asks for.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE 127.0.0.2",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
)
_INSTALL_LIMIT: Final = 600.0


def chromium(say: Say) -> Path:
    """Returns the program, installed now where it is missing and the package manager may be used.

    Raises:
        ProvisionError: It is not here and cannot be installed.
    """
    found = _found()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _install(say)
        found = _found()
    if found is None:
        raise ProvisionError(NAME, "it is not here (Debian: apt-get install chromium)")
    return found


@contextmanager
def running_browser(program: Path) -> Generator[Browser]:
    """Starts a browser without windows, and ends it.

    Playwright runs a loop in the thread that it is used in: while it runs, nothing asynchronous can be tested there.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def _found() -> Path | None:
    return next((Path(path) for path in map(shutil.which, NAMES) if path), None)


def _install(say: Say) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    say("Installing Chromium with apt-get: the tests of the pages need it.")
    with TemporaryDirectory() as folder:
        log = Path(folder) / "apt.log"
        for command in (("apt-get", "update"), ("apt-get", "install", "--yes", "--no-install-recommends", "chromium")):
            code = run_with_signs_of_life(
                command, what=" ".join(command), say=say, log=log, environment=environment, limit=_INSTALL_LIMIT
            )
            if code:
                raise ProvisionError(NAME, f"{' '.join(command)} failed: {last_line(log)}")
