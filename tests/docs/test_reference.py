"""What the code offers is in docs/reference, and says there what the code says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
import yaml
from pydantic import BaseModel
from temporalio import workflow

from placet.contracts.config import AgentConfig, Config, Defaults, McpServerConfig, PolicyConfig, Questions, Rule, User
from placet.contracts.errors import CODES, Code
from placet.contracts.events import EVENT_DATA, EventType
from placet.contracts.sign_in import Oidc, SignIn
from placet.worker import WORKFLOWS

TREE: Final = Path(__file__).parents[2]
REFERENCE: Final = TREE / "docs" / "reference"
SOURCES: Final = ("workflows", "activities", "gateway")


def page(name: str) -> str:
    return (REFERENCE / name).read_text("utf-8")


def program(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TREE / "tools" / name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)


def headings(text: str) -> set[str]:
    return set(re.findall(r"^#+ (.+)$", text, re.MULTILINE))


def test_generated_blocks_say_what_the_code_says() -> None:
    done = program("reference.py", "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_link_path_and_name_in_the_docs_leads_somewhere() -> None:
    done = program("check_docs.py")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("code", CODES)
def test_error_code_has_a_section_under_its_status(code: Code) -> None:
    text = page("errors.md")
    assert f"### {code}" in text
    before = text[: text.index(f"### {code}")]
    assert re.findall(r"^## (\d{3})$", before, re.MULTILINE)[-1] == str(CODES[code].status)


def test_no_section_is_left_of_an_error_code_that_is_gone() -> None:
    sections = re.findall(r"^### (\w+)$", page("errors.md"), re.MULTILINE)
    assert sorted(sections) == sorted(CODES)


@pytest.mark.parametrize("event_type", EVENT_DATA)
def test_event_has_a_section_with_its_fields(event_type: EventType) -> None:
    [section] = [part for part in page("events.md").split("\n### ") if f"`{event_type}`" in part.partition("\n")[0]]
    rows = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert rows == list(EVENT_DATA[event_type].model_fields)


def test_every_environment_variable_that_the_code_names_is_a_setting_in_the_docs() -> None:
    files = [path for root in SOURCES for path in (TREE / root).rglob("*.py")]
    named = {name for path in files for name in re.findall(r"\bPLACET_[A-Z_]+\b", path.read_text("utf-8"))}
    assert named, "the search finds nothing any more"
    assert {name for name in named if f"`{name}`" not in page("settings.md")} == set()


def test_every_setting_in_the_docs_is_one_that_the_code_names() -> None:
    files = [path for root in SOURCES for path in (TREE / root).rglob("*.py")]
    sources = "\n".join(path.read_text("utf-8") for path in files)
    documented = set(re.findall(r"^\| `(PLACET_[A-Z_]+)` \|", page("settings.md"), re.MULTILINE))
    assert {name for name in documented if not re.search(rf"\b{name}\b", sources)} == set()


@pytest.mark.parametrize(
    ("heading", "model"),
    [
        ("## agents", AgentConfig),
        ("### agents.mcp", McpServerConfig),
        ("## policy", PolicyConfig),
        ("### policy.rules", Rule),
        ("## defaults", Defaults),
        ("## questions", Questions),
        ("## people", User),
        ("### people.sign_in", SignIn),
        ("### people.sign_in.oidc", Oidc),
    ],
)
def test_each_key_of_the_file_stands_in_the_table_of_its_section(heading: str, model: type[BaseModel]) -> None:
    _, _, after = page("placet-yaml.md").partition(f"\n{heading}\n")
    section = re.split(r"^##", after, maxsplit=1, flags=re.MULTILINE)[0]
    first_cells = re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
    assert {key for cell in first_cells for key in re.findall(r"`(\w+)`", cell)} >= set(model.model_fields)


def test_no_key_of_the_file_is_said_to_come_later() -> None:
    assert "later version" not in page("placet-yaml.md")


def test_every_workflow_that_a_worker_runs_stands_among_the_names_in_temporal() -> None:
    [row] = re.findall(r"^\| workflow types \| (.+) \|$", page("temporal.md"), re.MULTILINE)
    definitions = [workflow._Definition.must_from_class(one) for one in WORKFLOWS]  # noqa: SLF001 - it has no other way
    assert set(re.findall(r"`(\w+)`", row)) == {one.name for one in definitions}


def test_the_whole_example_of_the_file_is_a_valid_one() -> None:
    [example, *_] = re.findall(r"^```yaml\n(.*?)^```", page("placet-yaml.md"), re.DOTALL | re.MULTILINE)
    Config.model_validate(yaml.safe_load(example))


def test_what_a_tool_is_told_of_its_call_is_in_the_docs() -> None:
    source = (TREE / "activities" / "placet" / "effects" / "_call_facts.py").read_text("utf-8")
    told = set(re.findall(r'^\s+"(placet_\w+)":', source, re.MULTILINE))
    assert told, "the search finds nothing any more"
    assert {name for name in told if f"`{name}`" not in page("placet-yaml.md")} == set()
