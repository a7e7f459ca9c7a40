"""What waits in the inbox when the demo opens it for the first time."""

from __future__ import annotations

import webbrowser

import pytest

from placet.cli._welcome import FIRST, KEY, begin_demo, may_open, welcome
from placet_testing.fake_gateway import FakeGateway


def test_the_demo_starts_one_run_under_a_key_of_its_own(gateway: FakeGateway) -> None:
    begin_demo(gateway.url, patience=0.5)
    sent = next(one for one in gateway.received if (one.method, one.path) == ("POST", "/v1/runs"))
    assert (sent.body["agent"], sent.body["input"]) == (FIRST.agent, FIRST.input)
    headers = {name.lower(): value for name, value in sent.headers.items()}
    assert headers["idempotency-key"] == KEY


def test_a_gateway_that_does_not_answer_keeps_nobody_from_the_inbox() -> None:
    begin_demo("http://127.0.0.1:9", patience=0.5)


@pytest.mark.parametrize("demo", [True, False])
def test_the_inbox_opens_when_the_first_approval_of_the_demo_waits_in_it(
    gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch, *, demo: bool
) -> None:
    runs_at_opening: list[tuple[str, int]] = []

    def opened(address: str) -> bool:
        started = [one for one in gateway.received if (one.method, one.path) == ("POST", "/v1/runs")]
        runs_at_opening.append((address, len(started)))
        return True

    monkeypatch.setattr(webbrowser, "open", opened)
    welcome(gateway.url, demo=demo)
    assert runs_at_opening == [(f"{gateway.url}/inbox", int(demo))]


def test_a_browser_opens_only_where_somebody_could_look_at_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    here = {"DISPLAY": ":0"}
    assert may_open(here, at_terminal=True)
    assert may_open({"WAYLAND_DISPLAY": "wayland-0"}, at_terminal=True)
    assert not may_open(here, at_terminal=False)
    assert not may_open({}, at_terminal=True)
    for told in ("CI", "PLACET_NO_INPUT", "SSH_CONNECTION"):
        assert not may_open(here | {told: "1"}, at_terminal=True)
