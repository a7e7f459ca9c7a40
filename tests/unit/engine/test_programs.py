"""Where a Temporal server comes from, in which order, and what is said where there is none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import pytest

from placet.engine import building, programs
from placet.engine.building import SERVER, go_is_new_enough
from placet.engine.cache import kept, workshop
from placet.engine.download import downloaded_cli
from placet.engine.errors import ProvisionError, TemporalMissing
from placet.engine.programs import Kind, find_server, obtain_server, obtain_ui
from placet.engine.progress import silent

USABLE = "#!/bin/sh\necho '  --db-filename string   keeps state'\n"
ANOTHER = "#!/bin/sh\necho unknown command; exit 1\n"
OLD_GO = "#!/bin/sh\necho go1.22.3\n"
FAILING_GO = "#!/bin/sh\nif [ \"$1\" = env ]; then echo go1.26.8; else echo 'no such module' >&2; exit 1; fi\n"
BUILDING_GO = """#!/bin/sh
if [ "$1" = env ]; then echo go1.26.8; exit; fi
printf '#!/bin/sh\\n' > "$GOBIN/server"; chmod +x "$GOBIN/server"
"""


@pytest.fixture(autouse=True)
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH but for the shell's own programs, and an empty cache."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/bin")
    monkeypatch.setenv("PLACET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(programs, "_WAYS", _without_the_network())
    return folder


def _without_the_network() -> object:
    def no_download(_say: object) -> Path:
        raise ProvisionError("temporal-cli", "out of reach")  # noqa: EM101

    # The SDK's download asks the network.
    (kind, origin, hint, _), *rest = programs._WAYS  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return ((kind, origin, hint, no_download), *rest)


def put(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(script)
    path.chmod(0o755)
    return path


def test_the_command_line_on_path_comes_first(empty_machine: Path) -> None:
    path = put(empty_machine, "temporal", USABLE)
    put(SERVER.path.parent, SERVER.name, USABLE)
    found = find_server()
    assert found is not None
    assert (found.kind, found.path) == (Kind.CLI, path)


def test_a_program_of_the_same_name_that_cannot_start_a_server_is_passed_over(empty_machine: Path) -> None:
    put(empty_machine, "temporal", ANOTHER)
    assert find_server() is None


def test_what_was_provided_before_is_found_without_making_anything(empty_machine: Path) -> None:
    put(empty_machine, "go", FAILING_GO)
    built = put(SERVER.path.parent, SERVER.name, USABLE)
    assert obtain_server(silent).path == built


def test_a_download_of_before_comes_ahead_of_a_build() -> None:
    put(SERVER.path.parent, SERVER.name, USABLE)
    cli = put(kept("temporal-cli", f"sdk-{version('temporalio')}"), "temporal", USABLE)
    assert downloaded_cli() == cli
    found = find_server()
    assert found is not None
    assert found.path == cli


def test_it_is_built_where_nothing_else_is_there_and_once(empty_machine: Path) -> None:
    go = put(empty_machine, "go", BUILDING_GO)
    said: list[str] = []
    assert obtain_server(said.append).path == SERVER.path
    assert any("Building temporal-server" in line and "once" in line for line in said)
    go.unlink()
    assert obtain_server(silent).path == SERVER.path


def test_two_that_want_it_at_the_same_time_build_it_once(empty_machine: Path, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    counting = f'if [ "$1" = install ]; then echo one >> {starts}; sleep 0.3; fi\n'
    put(empty_machine, "go", BUILDING_GO.replace("printf", counting + "printf", 1))
    said: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        built = list(pool.map(obtain_server, [said.append] * 4))
    assert {program.path for program in built} == {SERVER.path}
    assert starts.read_text() == "one\n"
    assert [line for line in said if "waiting for it" in line]


def test_without_any_way_the_error_lists_them_all() -> None:
    with pytest.raises(TemporalMissing) as caught:
        obtain_server(silent)
    for way in ("`temporal` on PATH", "TEMPORAL_ADDRESS", "the SDK's download", "Go 1.26", "placet doctor"):
        assert way in str(caught.value)


def test_an_old_go_is_named_with_its_version(empty_machine: Path) -> None:
    put(empty_machine, "go", OLD_GO)
    with pytest.raises(TemporalMissing, match=r"here is Go 1\.22\.3"):
        obtain_server(silent)


def test_a_build_that_fails_says_why_and_leaves_nothing(empty_machine: Path) -> None:
    put(empty_machine, "go", FAILING_GO)
    with pytest.raises(TemporalMissing, match="no such module"):
        obtain_server(silent)
    left = [path.name for path in SERVER.path.parent.parent.iterdir()]
    assert sorted(left) == [f"{SERVER.version}.lock", f"{SERVER.version}.log"]
    with pytest.raises(ProvisionError, match="no such module"):
        obtain_ui(silent)


@pytest.mark.parametrize(("version", "enough"), [("1.26.0", True), ("1.27rc1", True), ("2.0", True), ("1.25.9", False)])
def test_go_is_compared_by_number(version: str, *, enough: bool) -> None:
    assert go_is_new_enough(version) is enough
    assert not go_is_new_enough("devel +abc")


def _fail_half_way() -> None:
    with workshop("thing", "1") as folder:
        (folder / "half").write_text("x")
        raise ZeroDivisionError


def test_a_program_is_in_its_place_only_when_it_is_whole() -> None:
    place = kept("thing", "1")
    with pytest.raises(ZeroDivisionError):
        _fail_half_way()
    assert list(place.parent.iterdir()) == []
    with workshop("thing", "1") as folder:
        (folder / "whole").write_text("x")
        assert not place.exists()
    assert [path.name for path in place.iterdir()] == ["whole"]


def test_the_server_that_is_built_is_pinned() -> None:
    assert building.SERVER.package == "go.temporal.io/server/cmd/server"
    assert building.SERVER.path.parent.name == building.SERVER.version
