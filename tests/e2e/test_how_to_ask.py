"""The how-to pages on a first tool and on asking by REST do what they say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from placet_testing.pages import file_of
from placet_testing.running_up import Up, running_up, until
from placet_testing.servers import unavailable

pytestmark = pytest.mark.timeout(180)

FIRST: Final = "docs/how-to/gate-your-first-tool.md"
REST: Final = "docs/how-to/ask-by-rest.md"
FILES: Final = ("office_tools.py", "placet.yaml", "office_model.py", "script.yaml", "explain.sh")
PATH: Final = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the first page's files."""
    folder = tmp_path_factory.mktemp("office")
    for name in FILES:
        (folder / name).write_text(file_of(FIRST, name))
    return folder


@pytest.fixture(scope="module")
def up(office: Path) -> Iterator[Up]:
    """Everything, with the agent of the first page."""
    with running_up(office / "data", "--config", str(office / "placet.yaml")) as started:
        yield started


def get(up: Up, path: str) -> Any:
    answer = httpx.get(f"{up.url}/v1{path}", timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def decide(up: Up, approval: dict[str, Any], **body: object) -> None:
    given = {"digest": approval["digest"], **body}
    answer = httpx.post(f"{up.url}/v1/approvals/{approval['id']}/decision", json=given, timeout=30)
    assert answer.status_code == 200, answer.text


def test_a_first_tool_runs_only_when_somebody_approves(up: Up, office: Path) -> None:
    run = httpx.post(f"{up.url}/v1/runs", json={"agent": "office", "input": "Pay invoice 7."}, timeout=30).json()
    until(lambda: get(up, f"/runs/{run['id']}")["status"] == "waiting")
    (asked,) = get(up, f"/runs/{run['id']}")["pending"]
    assert (asked["tool"], asked["args"]) == ("pay_invoice", {"number": 7, "amount": 120})
    assert not (office / "payments.txt").exists()
    decide(up, asked, type="approve")
    until(lambda: get(up, f"/runs/{run['id']}")["status"] == "completed")
    assert (office / "payments.txt").read_text() == "7 120.00\n"


def test_the_policy_of_a_first_tool_is_tried_without_running_anything(office: Path) -> None:
    command = ["bash", "-e", "explain.sh"]
    done = subprocess.run(command, cwd=office, env={"PATH": PATH}, capture_output=True, text=True, check=True)
    assert "placet.yaml: nothing is wrong with it" in done.stdout
    assert "ask: pay_invoice of office" in done.stdout


def asking(up: Up, cluster: str) -> subprocess.Popen[str]:
    """Starts the page's script."""
    for program in ("curl", "jq"):
        if shutil.which(program) is None:
            unavailable(f"the page's script needs {program}")
    environment = {**os.environ, "PLACET_URL": up.url, "PLACET_API_KEY": "any", "CLUSTER": cluster}
    command = ["bash", "-c", file_of(REST, "ask_and_wait.sh")]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)


@pytest.mark.parametrize(
    ("cluster", "decision", "code", "said"),
    [
        ("c1", {"type": "approve"}, 0, 'upgrading with {"cluster":"c1","version":"16.10"}\n'),
        (
            "c2",
            {"type": "edit", "args": {"cluster": "c2", "version": "16.9"}},
            0,
            'upgrading with {"cluster":"c2","version":"16.9"}\n',
        ),
        ("c3", {"type": "reject"}, 1, "not upgraded: rejected\n"),
    ],
    ids=["approved", "edited", "rejected"],
)
def test_a_script_asks_once_however_often_it_is_started_and_does_what_was_decided(
    up: Up, cluster: str, decision: dict[str, object], code: int, said: str
) -> None:
    found: list[dict[str, Any]] = []

    def asked() -> bool:
        items = get(up, "/approvals?tool=upgrade_database")["items"]
        found[:] = [one for one in items if one["args"]["cluster"] == cluster]
        return bool(found)

    with ExitStack() as stack:
        scripts = [stack.enter_context(asking(up, cluster)) for _ in range(2)]
        until(asked)
        assert len(found) == 1
        decide(up, found[0], **decision)
        ends = [(script.communicate(timeout=60)[0], script.returncode) for script in scripts]
    assert ends == [(said, code)] * 2
