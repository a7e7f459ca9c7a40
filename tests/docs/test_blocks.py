"""Every fenced block of the docs is of a known kind, can be read as what it claims to be, and whole files are run."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

import pytest

from placet.contracts.canonical import parse_json
from placet.engine.config_file import parse
from placet.policy import condition
from placet_testing.pages import TREE, Block, blocks_of, pages

BLOCKS: Final = [block for page in pages() for block in blocks_of(page)]
SHOWN: Final = {"text", "sql", "console"}
"""Shown only here: `console` is run by tests/e2e/test_tutorial.py, `sql` by tests/e2e/test_how_to.py."""
RUN_BY: Final = "".join(
    Path(TREE, "tests", "e2e", name).read_text("utf-8")
    for name in (
        "test_how_to.py",
        "test_how_to_ask.py",
        "graphs/test_how_to_graphs.py",
        "langgraph/test_how_to_clients.py",
    )
)
BUILT_BY: Final = "".join(
    Path(TREE, "tests", "e2e", name).read_text("utf-8")
    for name in ("test_other_sdks.py", "langgraph/test_how_to_clients.py")
)


def of(*languages: str) -> list[object]:
    found = [block for block in BLOCKS if block.language in languages]
    assert found, f"no block in {languages}: the search finds nothing any more"
    return [pytest.param(block, id=f"{block.page}:{block.line}") for block in found]


def test_every_block_says_what_it_is() -> None:
    known = SHOWN | {"go", "ts", "js", "yaml", "json", "python", "bash", "cel"}
    assert [f"{block.page}:{block.line}" for block in BLOCKS if block.language not in known] == []


@pytest.mark.parametrize("block", of("yaml"))
def test_yaml_is_a_placet_yaml_or_a_file_that_a_test_runs(block: Block) -> None:
    if block.name and block.name != "placet.yaml":
        assert block.name in RUN_BY
    else:
        parse(block.text, Path(block.page))


@pytest.mark.parametrize("block", of("cel"))
def test_each_line_of_cel_is_a_condition(block: Block) -> None:
    for line in block.text.splitlines():
        condition(line)


@pytest.mark.parametrize("block", of("json"))
def test_json_is_read_by_the_strict_reader(block: Block) -> None:
    parse_json(block.text)


@pytest.mark.parametrize("block", of("python"))
def test_python_is_a_file_that_a_test_runs(block: Block) -> None:
    compile(block.text, f"{block.page}:{block.line}", "exec")
    assert block.name, "give it a name with file=…"
    assert block.name in RUN_BY


@pytest.mark.parametrize("block", of("bash"))
def test_bash_is_a_file_that_a_test_runs(block: Block) -> None:
    done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False, timeout=10)
    assert done.returncode == 0, done.stderr
    assert block.name, "give it a name with file=…"
    assert block.name in RUN_BY


@pytest.mark.parametrize("block", of("go", "ts", "js"))
def test_what_is_written_for_another_sdk_is_a_file_that_a_test_builds(block: Block) -> None:
    assert block.name, "give it a name with file=…"
    assert block.name in BUILT_BY
