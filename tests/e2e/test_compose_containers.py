"""`docker-compose.yml` in containers, where a Docker engine answers: brought up, worked with, stopped.

Elsewhere what its services run is run without containers, by `test_compose.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from placet_testing.gateway import key_of, mark_of
from placet_testing.postgres import docker_answers
from placet_testing.running_up import until

if TYPE_CHECKING:
    from testcontainers.compose import DockerCompose

pytestmark = [pytest.mark.repeated, pytest.mark.timeout(1_800)]

TREE: Final = Path(__file__).parents[2]
SECRETS: Final = ("POSTGRES_PASSWORD", "LEDGER_PASSWORD", "TEMPORAL_DB_PASSWORD")
PORTS: Final = """
services:
  gateway: {ports: !override ["127.0.0.1::7117"]}
  temporal-ui: {ports: !override ["127.0.0.1::8080"]}
"""
DESK: Final = {
    "placet.yaml": f"""
agents:
  desk: {{model: "desk_model:scripted", tools: ["desk_tools:send"]}}
policy: {{ask: [send]}}
people:
  users:
    dana: {{roles: [approver], keys: ["{mark_of("dana")}"]}}
    bot: {{roles: [requester], keys: ["{mark_of("bot")}"]}}
""",
    "desk_model.py": """
from pathlib import Path
from placet.agents.scripted import ScriptedChatModel
scripted = ScriptedChatModel.from_yaml(Path(__file__).with_name("script.yaml"))
""",
    "desk_tools.py": """
def send(text: str) -> str:
    "Send something to somebody."
    return f"Sent {text}."
""",
    "script.yaml": """
- call: [{tool: send, args: {text: composed}}]
- say: Done.
""",
}


def make_desk(folder: Path) -> Path:
    """Writes the folder that the deployment is given, readable to the image's user."""
    folder.mkdir()
    folder.chmod(0o755)
    for name, text in DESK.items():
        (folder / name).write_text(text)
    return folder


def caller(url: str, user: str) -> httpx.Client:
    return httpx.Client(base_url=f"{url}/v1", headers={"Authorization": f"Bearer {key_of(user)}"}, timeout=30)


def carries_an_approval(url: str) -> None:
    """Lets a run ask, a person approve, and the run end with what the tool said."""
    with caller(url, "bot") as bot, caller(url, "dana") as dana:
        answer = bot.post("/runs", json={"agent": "desk", "input": "Send it."})
        assert answer.status_code == httpx.codes.CREATED, answer.text
        run: dict[str, Any] = answer.json()

        def status() -> str:
            return bot.get(f"/runs/{run['id']}").json()["status"]

        until(lambda: status() == "waiting", 60)
        (asked,) = dana.get("/approvals", params={"run_id": run["id"]}).json()["items"]
        assert asked["args"] == {"text": "composed"}
        decision = {"type": "approve", "digest": asked["digest"]}
        decided = dana.post(f"/approvals/{asked['id']}/decision", json=decision)
        assert decided.status_code == httpx.codes.OK, decided.text
        until(lambda: status() == "completed", 60)
        messages = bot.get(f"/runs/{run['id']}/messages").json()
    assert [one["data"]["content"] for one in messages if one["type"] == "tool"] == ["Sent composed."]


@pytest.fixture
def composed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DockerCompose]:
    """The deployment, under a name and with ports of its own; gone with its volume at the end."""
    if not docker_answers():
        pytest.skip("no Docker engine answers here")
    # Imported only where there is an engine: it looks for one when it is loaded.
    from testcontainers.compose import DockerCompose  # noqa: PLC0415

    (tmp_path / "ports.yml").write_text(PORTS)
    (tmp_path / "empty.env").touch()
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", f"placet-test-{tmp_path.name.lower()}")
    monkeypatch.setenv("PLACET_DIR", str(make_desk(tmp_path / "agents")))
    for name in SECRETS:
        monkeypatch.setenv(name, name.lower().replace("_", ""))
    files = ["docker-compose.yml", str(tmp_path / "ports.yml")]
    with DockerCompose(TREE, compose_file_name=files, env_file=str(tmp_path / "empty.env"), build=True) as compose:
        yield compose


def test_it_comes_up_carries_an_approval_and_stops_when_it_is_told_to(composed: DockerCompose) -> None:
    carries_an_approval(f"http://127.0.0.1:{composed.get_service_port('gateway', 7117)}")
    composed.stop(down=False)
    ended = {one.Service: one.ExitCode for one in composed.get_containers(include_all=True)}
    assert (ended["gateway"], ended["worker"]) == (0, 0), "SIGTERM did not reach them"
