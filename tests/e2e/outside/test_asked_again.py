"""What changed while a call waited: it does not run on the strength of what was shown before."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest
import yaml

from placet_testing.deployment import Deployment, Json
from placet_testing.deployments import folder_of

pytestmark = pytest.mark.timeout(120)


@dataclass
class Changing(Deployment):
    """A deployment whose configuration and tools change under its waiting calls."""

    def change_policy(self, **policy: Any) -> None:
        """Restarts the worker with another policy."""
        said = cast("dict[str, Any]", yaml.safe_load(self.config.read_text()))
        self.config.write_text(yaml.safe_dump({**said, "policy": {**said["policy"], **policy}}, sort_keys=False))
        self._restart()

    def describe_send(self, description: str) -> None:
        """Restarts the worker with another description of the tool `send`."""
        file = self.desk / "desk_tools.py"
        was = '"""Send something to somebody. It cannot be taken back."""'
        file.write_text(file.read_text().replace(was, f'"""{description}"""'))
        self._restart()

    def _restart(self) -> None:
        self.kill_workers()
        self.up(workers=1, gateways=1)


@pytest.fixture
def changing(temporal_server: str) -> Iterator[Changing]:
    """Gives a gateway and a worker of its own."""
    with folder_of("changing") as folder:
        made = Changing(folder, temporal_server, f"placet-{uuid.uuid4().hex[:12]}")
        try:
            made.up(workers=1, gateways=1)
            yield made
        finally:
            made.close()


def again(deployment: Deployment, run: Json, first: Json) -> Json:
    """Waits until the run asks about its call again, and returns the approval."""
    deployment.wait(lambda: [one["id"] for one in deployment.read_run(run)["pending"]] not in ([], [first["id"]]))
    (second,) = deployment.pending(run)
    assert second["context"]["asked_again"]["previous_approval"] == first["id"]
    return second


def changes(approval: Json) -> dict[str, tuple[str | None, str | None]]:
    listed = approval["context"]["asked_again"]["changes"]
    return {change["what"]: (change["before"], change["after"]) for change in listed}


def test_who_may_not_decide_by_now_has_not_approved(changing: Changing) -> None:
    """Eve was an approver when the call was asked; by the time it would run, finance decides."""
    text = uuid.uuid4().hex[:8]
    run = changing.run([{"tool": "send", "args": {"text": text}}])
    (first,) = changing.pending(run)
    rule = {"name": "finance", "tool": "send", "effect": "ask", "approvers": ["group:finance"], "risk": "high"}
    changing.change_policy(rules=[rule])
    assert changing.decide(first, user="eve").status_code == 200
    second = again(changing, run, first)
    assert changing.effects(text) == []
    assert changes(second) == {
        "rule": ("ask", "finance"),
        "approvers": ("role:approver", "group:finance"),
        "risk": ("medium", "high"),
    }
    assert changing.decide(second, user="eve").status_code in {403, 404}
    assert changing.decide(second, user="dana").status_code == 200
    assert changing.finished(run)["status"] == "completed"
    (effect,) = changing.effects(text)
    assert (effect["approval"], effect["approver"]) == (second["id"], "user:dana")


def test_a_tool_that_changed_is_asked_about_again_with_the_difference(changing: Changing) -> None:
    text, edited = uuid.uuid4().hex[:8], uuid.uuid4().hex[:8]
    run = changing.run([{"tool": "send", "args": {"text": text}}])
    (first,) = changing.pending(run)
    changing.describe_send("Send something to everybody.")
    assert changing.decide(first, "edit", args={"text": edited}).status_code == 200
    second = again(changing, run, first)
    before, after = changes(second)["description"]
    assert (before, after) == ("Send something to somebody. It cannot be taken back.", "Send something to everybody.")
    assert second["args"] == {"text": edited}, "what would have run is what is asked about"
    assert changing.effects(edited) == []
    assert changing.decide(second).status_code == 200
    assert changing.finished(run)["status"] == "completed"
    assert len(changing.effects(edited)) == 1
    assert changing.effects(text) == []
    (result,) = changing.results(run)
    assert edited in result, "the model is told what ran"


def test_what_is_denied_by_now_does_not_run_though_it_was_approved(changing: Changing) -> None:
    text = uuid.uuid4().hex[:8]
    run = changing.run([{"tool": "send", "args": {"text": text}}])
    (asked,) = changing.pending(run)
    changing.change_policy(deny=["send"])
    assert changing.decide(asked).status_code == 200
    assert changing.finished(run)["status"] == "completed"
    assert changing.effects(text) == []
    assert "policy does not allow it" in changing.results(run)[0]
    assert changing.read(asked)["execution"]["status"] == "refused"
