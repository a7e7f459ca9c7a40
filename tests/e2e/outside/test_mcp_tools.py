"""An agent with real MCP servers, over HTTP: what was approved reaches a server once, whatever becomes of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest
import yaml

from placet.engine.ports import LOOPBACK, free_port
from placet_testing.deployment import Deployment, Json
from placet_testing.deployments import folder_of
from placet_testing.mcp_shop import TOKEN, Shop, is_alive

pytestmark = pytest.mark.timeout(180)
OTHER = "Send something to everybody."


@dataclass
class Market:
    """A deployment whose agent has a server as a program, and one at an address where nobody answers at first."""

    deployment: Deployment
    near: Shop
    far: Shop
    port: int

    def call(self, tool: str, **args: Any) -> tuple[Json, str]:
        """Starts a run with one call, and returns it with the text that the call is known by."""
        text = uuid.uuid4().hex[:8]
        return self.deployment.run([{"tool": tool, "args": {"text": text, **args}}]), text

    def approved(self, run: Json) -> Json:
        """Approves the one call that the run waits for."""
        (asked,) = self.deployment.pending(run)
        assert self.deployment.decide(asked).status_code == 200
        return asked

    def published(self) -> tuple[set[str], dict[str, str | None]]:
        """Returns the names of the agent's tools, and what is wrong with its servers."""
        items = self.deployment.client("root").get("/v1/agents").json()["items"]
        (desk,) = [one for one in items if one["name"] == "desk"]
        return {tool["name"] for tool in desk["tools"]}, {one["name"]: one["problem"] for one in desk["mcp"]}

    def is_reached(self, server: str) -> bool:
        """Whether a server is published without a problem."""
        return self.published()[1][server] is None

    def logs(self) -> str:
        """Returns what all processes have printed."""
        return "\n".join(log.read_text() for log in self.deployment.folder.glob("*.log"))


@pytest.fixture(scope="module")
def _market(temporal_server: str) -> Iterator[Market]:
    with folder_of("market") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOP_TOKEN", TOKEN)
        near, far = Shop(folder / "near"), Shop(folder / "far")
        for shop in (near, far):
            shop.folder.mkdir()
        deployment = Deployment(folder, temporal_server, f"placet-{uuid.uuid4().hex[:12]}")
        made = Market(deployment, near, far, free_port())
        config = cast("dict[str, Any]", yaml.safe_load(made.deployment.config.read_text()))
        headers = {"Authorization": "Bearer ${SHOP_TOKEN}"}
        there = {"url": f"http://{LOOPBACK}:{made.port}/mcp", "headers": headers}
        config["agents"]["desk"] |= {"mcp": {"near": near.stdio(), "far": there}, "idempotent": ["near_wait"]}
        config["policy"]["allow"] += ["*_remember", "*_fail", "*_paint"]
        made.deployment.config.write_text(yaml.safe_dump(config, sort_keys=False))
        try:
            yield made
        finally:
            made.deployment.close()
            made.far.end()


@pytest.fixture
def market(_market: Market) -> Market:
    """The market, with a worker and a gateway, and the program's tools as they are written."""
    (_market.near.folder / "face.json").unlink(missing_ok=True)
    _market.deployment.up(workers=1, gateways=1)
    _market.deployment.wait(lambda: _market.is_reached("near"))
    return _market


def test_what_was_approved_reaches_the_server_once_and_exactly(market: Market) -> None:
    extra: Json = {"deep": [{"none": None}], "many": 2**60, "runtime": "mine", "config": {}}
    run, text = market.call("near_send", extra=extra)
    (asked,) = market.deployment.pending(run)
    assert (asked["tool"], asked["args"]) == ("near_send", {"text": text, "extra": extra})
    assert asked["args_schema"]["additionalProperties"] is False
    assert market.near.effects(text) == []
    refused = market.deployment.decide(asked, "edit", args={"text": text, "dry_run": True})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_args")
    assert market.deployment.decide(asked).status_code == 200
    assert market.deployment.finished(run)["status"] == "completed"
    (effect,) = market.near.effects(text)
    assert effect["extra"] == extra
    told = effect["meta"]
    assert (told["placet/approval_id"], told["placet/approver"]) == (asked["id"], "user:dana")
    assert told["placet/idempotency_key"].startswith(f"{run['id']}/0/0/0")
    assert market.deployment.results(run) == [f"Sent {text}."]


def test_errors_and_pictures_of_a_server_reach_the_model_and_its_secret_does_not(market: Market) -> None:
    run = market.deployment.run(
        [
            {"tool": "near_fail", "args": {"text": "it"}},
            {"tool": "near_paint", "args": {"text": "a cat"}},
            {"tool": "near_send", "args": {"text": "x", "dry_run": True}},
        ]
    )
    assert market.deployment.finished(run)["status"] == "completed"
    failed, painted, wrong = cast("list[Any]", market.deployment.results(run))
    assert "no luck with it, ${SHOP_TOKEN}" in failed
    assert [block["type"] for block in painted] == ["text", "image"]
    assert "dry_run" in wrong
    assert TOKEN not in market.logs()


def test_a_tool_that_its_server_changed_meanwhile_is_asked_about_again(market: Market) -> None:
    run, text = market.call("near_send")
    (first,) = market.deployment.pending(run)
    schema = {"type": "object", "properties": {"text": {"type": "string"}, "copies": {"type": "integer"}}}
    market.near.says({"description": OTHER, "inputSchema": schema})
    assert market.deployment.decide(first).status_code == 200
    market.deployment.wait(
        lambda: [one["id"] for one in market.deployment.read_run(run)["pending"]] not in ([], [first["id"]])
    )
    (second,) = market.deployment.pending(run)
    listed = {one["what"]: one for one in second["context"]["asked_again"]["changes"]}
    assert listed["description"]["after"] == OTHER
    assert market.near.effects(text) == []
    assert market.deployment.decide(second).status_code == 200
    assert market.deployment.finished(run)["status"] == "completed"
    assert len(market.near.effects(text)) == 1


def test_a_tool_that_its_server_took_away_meanwhile_is_not_called(market: Market) -> None:
    run, text = market.call("near_send")
    (asked,) = market.deployment.pending(run)
    market.near.says(None)
    assert market.deployment.decide(asked).status_code == 200
    assert market.deployment.finished(run)["status"] == "completed"
    assert "no such tool any more" in market.deployment.results(run)[0]
    assert market.near.effects(text) == []
    market.deployment.wait(lambda: "near_send" not in market.published()[0])


def test_a_server_that_dies_in_a_call_has_a_person_asked_whether_it_ran(market: Market) -> None:
    market.far.serve(market.port)
    market.deployment.wait(lambda: market.is_reached("far"))
    assert "far_wait" in market.published()[0]
    run, text = market.call("far_wait")
    market.approved(run)
    market.deployment.wait((market.far.folder / f"{text}.begun").exists)
    market.far.kill()
    market.deployment.wait(lambda: [one["kind"] for one in market.deployment.read_run(run)["pending"]] == ["question"])
    (asked,) = market.deployment.pending(run)
    assert asked["tool"] == "far_wait"
    answer = {asked["questions"][0]["id"]: {"options": ["ran"], "text": "It went out."}}
    assert market.deployment.decide(asked, "answer", answers=answer).status_code == 200
    assert market.deployment.finished(run)["status"] == "completed"
    assert market.deployment.results(run) == ["It went out."]
    assert market.far.effects(text) == []


def test_an_idempotent_call_whose_server_dies_is_an_error_that_says_what_is_known(market: Market) -> None:
    run, text = market.call("near_wait")
    market.approved(run)
    market.deployment.wait((market.near.folder / f"{text}.begun").exists)
    market.near.kill()
    assert market.deployment.finished(run)["status"] == "completed"
    assert "whether the call ran is not known" in market.deployment.results(run)[0]
    again, _ = market.call("near_remember")
    assert market.deployment.finished(again)["status"] == "completed", "the program runs again"
    assert "not known" not in market.deployment.results(again)[0]


def test_a_call_of_a_server_that_is_away_does_not_run_and_says_so(market: Market) -> None:
    market.far.serve(market.port)
    market.deployment.wait(lambda: market.is_reached("far"))
    run, text = market.call("far_send")
    (asked,) = market.deployment.pending(run)
    market.far.kill()
    assert market.deployment.decide(asked).status_code == 200
    assert market.deployment.finished(run, 60)["status"] == "completed"
    (result,) = market.deployment.results(run)
    assert "cannot be reached" in result
    assert "did not run" in result
    assert market.far.effects(text) == []


def test_a_worker_starts_without_a_server_and_finds_it_later(market: Market) -> None:
    market.far.end()
    market.deployment.kill_workers()
    market.deployment.up(workers=1, gateways=1)
    market.deployment.wait(lambda: market.is_reached("near"))
    names, problems = market.published()
    assert not [name for name in names if name.startswith("far_")]
    assert problems["far"]
    market.far.serve(market.port)
    market.deployment.wait(lambda: "far_remember" in market.published()[0])
    run, text = market.call("far_remember")
    assert market.deployment.finished(run)["status"] == "completed"
    assert market.deployment.results(run) == [text]


@pytest.mark.parametrize("how", ["SIGTERM", "kill -9"])
def test_a_worker_leaves_no_program_behind(market: Market, how: str) -> None:
    pid = market.near.pid
    assert is_alive(pid)
    (worker,) = market.deployment.workers
    if how == "SIGTERM":
        assert worker.end() == 0
    else:
        worker.process.kill()
        worker.process.wait()
    market.deployment.wait(lambda: not is_alive(pid))


def test_a_waiting_approval_outlives_the_worker_and_the_server(market: Market) -> None:
    run, text = market.call("near_send")
    (asked,) = market.deployment.pending(run)
    market.deployment.kill_workers()
    market.deployment.up(workers=1, gateways=1)
    assert market.deployment.decide(asked).status_code in {200, 202}
    assert market.deployment.finished(run, 60)["status"] == "completed"
    assert market.deployment.results(run) == [f"Sent {text}."]
    assert len(market.near.effects(text)) == 1
