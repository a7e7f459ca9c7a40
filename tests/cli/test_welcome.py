"""What waits in the inbox when the demo opens it for the first time."""

from __future__ import annotations

from placet.cli._welcome import FIRST, KEY, begin_demo
from placet_testing.fake_gateway import FakeGateway


def test_the_demo_starts_one_run_under_a_key_of_its_own(gateway: FakeGateway) -> None:
    begin_demo(gateway.url, patience=0.5)
    sent = next(one for one in gateway.received if (one.method, one.path) == ("POST", "/v1/runs"))
    assert (sent.body["agent"], sent.body["input"]) == (FIRST.agent, FIRST.input)
    headers = {name.lower(): value for name, value in sent.headers.items()}
    assert headers["idempotency-key"] == KEY


def test_a_gateway_that_does_not_answer_keeps_nobody_from_the_inbox() -> None:
    begin_demo("http://127.0.0.1:9", patience=0.5)
