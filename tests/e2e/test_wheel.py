"""The wheel holds all of Placet: a clean environment that installs it can run it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
ROOTS: Final = ("workflows", "activities", "gateway")
UV: Final = Path(sys.executable).with_name("uv")


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    # Nothing of the working tree may be found by way of the environment.
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(list(command), capture_output=True, text=True, cwd=cwd, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds the wheel and its dependencies, as locked, and nothing else."""
    folder = tmp_path_factory.mktemp("clean")
    run(UV, "venv", "--quiet", "--python", sys.executable, folder)
    python = folder / "bin" / "python"
    run(UV, "pip", "install", "--quiet", "--python", python, "--constraint", ROOT / "requirements.lock", wheel)
    return python


def portions() -> list[str]:
    """The portions of the source tree, and the modules that lie beside them."""
    found = [path for root in ROOTS for path in (ROOT / root / "placet").iterdir()]
    packages = [path.name for path in found if (path / "__init__.py").is_file()]
    modules = [path.stem for path in found if path.suffix == ".py"]
    return sorted(packages + modules)


def test_the_wheel_holds_every_module_and_no_test(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for root in ROOTS:
        for path in (ROOT / root / "placet").rglob("*.py"):
            assert path.relative_to(ROOT / root).as_posix() in names
    assert not [name for name in names if "placet_testing" in name or name.startswith("tests/")]
    assert "placet/__init__.py" not in names


def test_every_portion_is_typed(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    packages = {name.split("/")[1] for name in names if name.count("/") == 2 and name.endswith("/__init__.py")}
    assert packages
    assert not [package for package in sorted(packages) if f"placet/{package}/py.typed" not in names]


@pytest.mark.timeout(300)
def test_the_command_line_runs_from_the_wheel(clean: Path, tmp_path: Path) -> None:
    placet = clean.with_name("placet")
    help_text = run(placet, "--help", cwd=tmp_path)
    for verb in ("up", "doctor", "worker", "gateway"):
        assert f" {verb} " in help_text
    assert run(placet, "--version", cwd=tmp_path).startswith("placet ")
    assert run(clean, "-m", "placet.cli", "--version", cwd=tmp_path).startswith("placet ")


@pytest.mark.timeout(300)
def test_every_portion_can_be_imported_from_the_wheel(clean: Path, tmp_path: Path) -> None:
    names = portions()
    assert {"contracts", "runs", "engine", "api", "cli"} <= set(names)
    program = (
        "import importlib, placet, sys\n"
        f"for name in {names!r}: importlib.import_module(f'placet.{{name}}')\n"
        f"assert all({str(clean.parents[1])!r} in path for path in placet.__path__), placet.__path__\n"
        # The interpreter's own end can crash in the native part of temporalio.
        "print('imported', flush=True); import os; os._exit(0)"
    )
    assert run(clean, "-W", "ignore", "-c", program, cwd=tmp_path) == "imported\n"


@pytest.mark.timeout(300)
def test_the_demo_comes_with_the_wheel(clean: Path, tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from placet.engine.demo import demo_config; import os\n"
        "print(demo_config(Path('data')).is_file(), flush=True); os._exit(0)"
    )
    assert run(clean, "-c", program, cwd=tmp_path) == "True\n"
    assert {path.suffix for path in (tmp_path / "data" / "demo").iterdir()} >= {".py", ".yaml"}
