"""Temporal's time-skipping test server: the SDK's download, or its Java build from Maven."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from pathlib import Path
from typing import Final

from placet.engine.cache import kept, only_one, workshop
from placet.engine.errors import ProvisionError
from placet.engine.progress import Say, last_line, run_with_signs_of_life

NAME: Final = "temporal-test-server"
VERSION: Final = "1.38.0"
_POM: Final = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>placet</groupId>
  <artifactId>time-skipping</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>io.temporal</groupId>
      <artifactId>{NAME}</artifactId>
      <version>{VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""
# One client, few workflows: a small heap and the simplest collector leave the cores to the tests.
_SCRIPT: Final = """#!/bin/sh
exec {java} -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp {jars}/'*' \
    io.temporal.testserver.TestServer "$@"
"""


def time_skipping_server(say: Say) -> Path:
    """Returns the program, made now unless it was before.

    Raises:
        ProvisionError: Java or Maven is missing, or Maven failed.
    """
    program = kept(NAME, VERSION) / NAME
    if not program.is_file():
        with only_one(NAME, VERSION, say):
            if not program.is_file():
                _make(say)
    return program


def _make(say: Say) -> None:
    java, maven = shutil.which("java"), shutil.which("mvn")
    if java is None or maven is None:
        reason = "making it needs Java and Maven on PATH (Debian: apt-get install default-jre-headless maven)"
        raise ProvisionError(NAME, reason)
    say(f"Fetching {NAME} {VERSION} with Maven (half a minute, once; then kept in {kept(NAME, VERSION)}).")
    log = kept(NAME, VERSION).with_suffix(".log")
    with workshop(NAME, VERSION) as folder:
        (folder / "pom.xml").write_text(_POM, encoding="utf-8")
        command = [maven, "--batch-mode", "--file", str(folder / "pom.xml"), "dependency:copy-dependencies"]
        code = run_with_signs_of_life(
            [*command, f"-DoutputDirectory={folder / 'jars'}"],
            what=f"fetching {NAME}",
            say=say,
            log=log,
            environment=os.environ,
            limit=600,
        )
        if code != 0:
            raise ProvisionError(NAME, f"Maven failed: {last_line(log)}", log)
        script = folder / NAME
        jars = shlex.quote(str(kept(NAME, VERSION) / "jars"))
        script.write_text(_SCRIPT.format(java=shlex.quote(java), jars=jars), encoding="utf-8")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
