"""The image: what it is made of is pinned, what is in it runs as nobody special, and its commands do what they should.

No Docker engine is needed: the Dockerfile is read, and what its build runs is run here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

TREE: Final = Path(__file__).parents[2]
DOCKERFILE: Final = (TREE / "Dockerfile").read_text("utf-8")
PROJECT: Final = tomllib.loads((TREE / "pyproject.toml").read_text("utf-8"))["project"]
_CONTINUED: Final = re.compile(r"\\\n\s*")


def instructions() -> list[list[tuple[str, str]]]:
    """Returns the instructions of each stage, and before them what stands above the first."""
    stages: list[list[tuple[str, str]]] = [[]]
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE)
    for line in _CONTINUED.sub("", text).splitlines():
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stages.append([])
        if word:
            stages[-1].append((word, rest))
    return stages


ABOVE, BUILD, LAST = instructions()


def said(stage: list[tuple[str, str]], word: str) -> list[str]:
    return [rest for name, rest in stage if name == word]


def locked(name: str) -> dict[str, str]:
    """Returns each package of a lock file with its version, its markers and its hashes."""
    text = re.sub(r"^ +#.*\n", "", (TREE / name).read_text("utf-8"), flags=re.MULTILINE)
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    return {entry.partition("==")[0]: entry for entry in entries}


def hashes(entry: str) -> set[str]:
    return set(re.findall(r"--hash=(\S+)", entry))


def test_both_stages_stand_on_one_python_of_a_named_version() -> None:
    (python,) = said(ABOVE, "ARG")
    assert re.fullmatch(r"PYTHON=python:3\.\d+\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?", python)
    assert [rest.split()[0] for rest in said(BUILD, "FROM") + said(LAST, "FROM")] == ["${PYTHON}"] * 2


def test_whatever_is_installed_has_a_hash_or_was_built_here() -> None:
    installs = [part for rest in said(BUILD, "RUN") for part in rest.split("&&") if "install" in part]
    assert len(installs) == 3
    assert all("--require-hashes" in part or "--no-index" in part for part in installs)
    assert all("--no-deps" in part for part in installs)


def test_the_last_stage_installs_nothing_and_runs_as_nobody_special() -> None:
    (made,) = said(LAST, "RUN")
    assert made.startswith("useradd ")
    assert said(LAST, "USER") == ["10001:10001"]
    assert said(LAST, "COPY") == ["--from=build /opt/placet /opt/placet"]


def test_no_shell_stands_between_a_signal_and_the_process() -> None:
    (command,) = said(LAST, "CMD")
    (health,) = said(LAST, "HEALTHCHECK")
    assert command.startswith("[")
    assert " CMD [" in health
    assert said(LAST, "ENTRYPOINT") == []


def test_nothing_but_what_is_copied_reaches_the_build() -> None:
    first, *kept = [line for line in (TREE / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert first == "*"
    sources = {name for rest in said(BUILD, "COPY") for name in rest.split()[:-1]}
    assert {line.removeprefix("!") for line in kept if line.startswith("!")} == sources


def test_the_image_holds_what_the_project_and_its_extras_need_as_the_tests_had_it() -> None:
    """Where this fails, `make lock` was not run whole."""
    everything, image = locked("requirements.lock"), locked("requirements-image.lock")
    wanted = [*PROJECT["dependencies"], *(one for extra in PROJECT["optional-dependencies"].values() for one in extra)]
    names = {re.split(r"[\[><=~! ]", one)[0].lower().replace("_", "-") for one in wanted}
    assert names <= image.keys()
    assert image.keys() <= everything.keys()
    for name, entry in image.items():
        assert entry.partition(" ")[0] == everything[name].partition(" ")[0]
        assert hashes(entry) == hashes(everything[name]) != set()


@pytest.mark.repeated
@pytest.mark.timeout(600)
def test_what_the_build_runs_makes_an_environment_that_works(tmp_path: Path) -> None:
    """The commands of the Dockerfile, with folders of this test instead of the image's."""
    source, opt, wheels = tmp_path / "src", tmp_path / "opt", tmp_path / "wheels"
    source.mkdir()
    for rest in said(BUILD, "COPY"):
        for name in rest.split()[:-1]:
            (source / name).symlink_to(TREE / name)
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "python")], check=True)
    surroundings = {**os.environ, "PATH": f"{tmp_path}/python/bin{os.pathsep}{os.environ['PATH']}"}
    for rest in said(BUILD, "RUN"):
        script = rest.replace("/opt/placet", str(opt)).replace("/wheels", str(wheels))
        done = subprocess.run(
            ["sh", "-ec", script], cwd=source, env=surroundings, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]
    told = subprocess.run([opt / "bin" / "placet", "--help"], capture_output=True, text=True, check=True)
    assert "doctor" in told.stdout
    assert not (opt / "bin" / "pip").exists()
