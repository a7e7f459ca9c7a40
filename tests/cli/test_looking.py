"""`inbox` and `show`: everything is shown, and nothing of it can act on the terminal."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from placet_testing.fake_gateway import FakeGateway

    from .conftest import Placet

NASTY = "pay\x1b[2J\x1b]8;;http://evil.example\x07me\u202etxt\u200b[bold red]x[/]\x9b31m"


def test_inbox_lists_what_is_pending_with_whole_ids_and_tabs_in_a_pipe(gateway: FakeGateway, placet: Placet) -> None:
    pending, ended = gateway.asks(), gateway.asks()
    gateway.ends(ended["id"], "expired")
    found = placet("inbox")
    assert found.code == 0
    fields = found.out.rstrip("\n").split("\t")
    assert fields[:6] == [pending["id"], "pending", "medium", "tool_call", "refund", "refund A-77"]
    assert fields[8].endswith("Z")
    assert "\x1b" not in found.out


def test_inbox_as_json_is_the_list_of_the_api(gateway: FakeGateway, placet: Placet) -> None:
    pending = gateway.asks(args={"n": 2**70, "x": 0.1})
    found = placet("inbox", "--json")
    assert found.document["items"][0]["id"] == pending["id"]
    assert found.document["items"][0]["args"] == {"n": 2**70, "x": 0.1}
    assert found.document["next_cursor"] is None
    assert found.err == ""


def test_inbox_hands_its_filters_on(gateway: FakeGateway, placet: Placet) -> None:
    options = ("--status", "expired", "--status", "rejected", "--tool", "refund", "--risk", "high", "-q", "A 77")
    assert placet("inbox", *options, "--sort", "-requested_at").code == 0
    query = gateway.received[-1].query
    assert query["status"] == ["expired", "rejected"]
    assert (query["tool"], query["risk"], query["q"]) == (["refund"], ["high"], ["A 77"])
    assert query["sort"] == ["-requested_at"]


def test_inbox_reads_as_many_pages_as_the_limit_asks(gateway: FakeGateway, placet: Placet) -> None:
    for _ in range(205):
        gateway.asks()
    found = placet("inbox", "--limit", "203", "--json")
    assert len(found.document["items"]) == 203
    assert found.document["next_cursor"] is not None


def test_a_title_cannot_forge_a_column_or_a_line(gateway: FakeGateway, placet: Placet) -> None:
    gateway.asks(title="x\ty\nfaked\tline\x1b[31m")
    lines = placet("inbox").out.splitlines()
    assert len(lines) == 1
    assert "x\\ty\\nfaked\\tline\\x1b[31m" in lines[0]


def test_a_terminal_gets_a_table_with_short_ids(gateway: FakeGateway, placet: Placet) -> None:
    pending = gateway.asks(title=NASTY, risk="critical")
    with placet.at_terminal("inbox") as terminal:
        assert terminal.ends() == 0
    assert pending["id"][:8] in terminal.plain
    assert pending["id"] not in terminal.plain
    assert "CRITICAL" in terminal.plain
    assert "EXPIRES" in terminal.plain
    _assert_harmless(terminal.seen)


def test_an_empty_inbox_says_so_to_a_person(gateway: FakeGateway, placet: Placet) -> None:
    with placet.at_terminal("inbox") as terminal:
        assert terminal.ends() == 0
    assert "Nothing needs you." in terminal.plain
    assert gateway.decisions == []


def test_show_says_everything_and_names_the_digest(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks(says="I think so.", rule="large refunds", reason="Above 100 finance decides", risk="high")
    found = placet("show", asked["id"])
    assert found.code == 0
    for text in ('args.order_id\t"A-77"', "args.amount\t50", asked["digest"], "large refunds", "HIGH", "Above 100"):
        assert text in found.out
    said = found.out.index("The agent says (untrusted)")
    assert said > found.out.index("Exactly what will run")
    assert "    | I think so." in found.out[said:]


def test_what_the_agent_wrote_is_shown_and_cannot_act(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks(args={"to": NASTY, "x\nfaked": 1}, says=NASTY, title=NASTY)
    with placet.at_terminal("show", asked["id"]) as terminal:
        assert terminal.ends() == 0
    for shown in ("\\x1b[2J", "\\u202e", "\\u200b", "\\x9b31m", "[bold red]x[/]", '"x\\nfaked"'):
        assert shown in terminal.plain
    assert "contains 6 hidden characters" in terminal.plain
    _assert_harmless(terminal.seen)


def test_the_agent_cannot_leave_its_block_by_a_long_line(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks(says="x" * 95 + " " * 200 + "--- Exactly what will run (sha256:0000)\n1) Approve once")
    with placet.at_terminal("show", asked["id"]) as terminal:
        assert terminal.ends() == 0
    said = terminal.plain[terminal.plain.index("The agent says") :].splitlines()[1:]
    assert len(said) > 3
    assert all(line.startswith("    | ") for line in said)


def test_raw_is_exactly_the_text_that_the_digest_covers(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks(args={"b": 2**64 + 1, "a": "ü\u202e", "c": 1.50})
    raw = placet("show", asked["id"], "--raw").out
    assert raw == '{"a":"ü\u202e","b":18446744073709551617,"c":1.5}'
    bound = f'{{"args":{raw},"tool":"refund"}}'.encode()
    assert "sha256:" + hashlib.sha256(bound).hexdigest() == asked["digest"]


def test_raw_at_a_terminal_is_escaped(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks(args={"a": "\u202e\x9b"})
    with placet.at_terminal("show", asked["id"], "--raw") as terminal:
        assert terminal.ends() == 0
    assert '{"a":"\\u202e\\x9b"}' in terminal.plain
    _assert_harmless(terminal.seen)


def test_show_as_json_is_the_approval_of_the_api(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    document = placet("show", asked["id"], "--json").document
    assert {name: document[name] for name in asked if name not in {"requested_at", "expires_at", "temporal"}} == {
        name: value for name, value in asked.items() if name not in {"requested_at", "expires_at", "temporal"}
    }
    assert document["requested_at"].endswith("Z")


def test_show_tells_who_decided_when_and_how(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    gateway.ends(asked["id"], "approved", {"type": "edit", "args": {"order_id": "A-77", "amount": 40}})
    shown = placet("show", asked["id"]).out
    assert "Approved with edits by Dana Ito (web)" in shown
    assert "What was asked" in shown
    assert "Exactly what will run" not in shown
    assert "- amount: 50" in shown
    assert "+ amount: 40" in shown


def test_show_says_when_the_digest_does_not_cover_what_is_shown(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks(digest="sha256:" + "0" * 64)
    assert "! The digest that the gateway names is not that of what is shown here" in placet("show", asked["id"]).out


@pytest.mark.parametrize("command", [("inbox",), ("show", "0" * 32), ("runs",), ("agents",)])
def test_no_gateway_is_69(command: tuple[str, ...], placet_of: Callable[[str], Placet]) -> None:
    nowhere = placet_of("http://127.0.0.1:9")
    ended = nowhere(*command, "--json")
    assert ended.code == 69
    assert ended.document["code"] == "unreachable"
    assert "placet up" in ended.err


def test_an_address_that_is_none_is_a_usage_error(placet: Placet) -> None:
    ended = placet("inbox", PLACET_URL="nonsense")
    assert ended.code == 2
    assert "PLACET_URL" in ended.err


def test_what_does_not_speak_the_api_is_an_unexpected_error(gateway: FakeGateway, placet: Placet) -> None:
    gateway.approvals["f" * 32] = {"hello": "world", "status": "pending", "id": "f" * 32}
    ended = placet("show", "f" * 32, "--json")
    assert ended.code == 1
    assert ended.document["code"] == "unexpected_answer"


def _assert_harmless(seen: str) -> None:
    """Of control characters only line ends and the colours that we write ourselves reach the terminal."""
    left = re.sub(r"\x1b\[[0-9;]*m", "", seen)
    assert not re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u202e]", left)
    assert "\x1b[31m" not in seen.replace("\x1b[31m\x1b[1mCRITICAL", "")
