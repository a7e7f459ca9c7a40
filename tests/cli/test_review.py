"""The menu of `review`: nothing decides by accident, and what is decided is what was shown."""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING

import pytest

from placet_testing.fake_gateway import decided, problem
from placet_testing.pseudo_terminal import PseudoTerminal

if TYPE_CHECKING:
    from pathlib import Path

    from placet_testing.fake_gateway import FakeGateway

    from .conftest import Placet

MENU = "arrows + Enter"
PLAIN_MENU = "Choose: "


def test_keys_typed_before_the_menu_do_nothing(gateway: FakeGateway, placet: Placet) -> None:
    gateway.asks()
    with placet.at_terminal("review", typed="1\n1a\nyes\n") as terminal:
        terminal.waits_for(MENU)
        terminal.press("1a11")
        terminal.shows_nothing_for(1.0)
        assert gateway.decisions == []
        terminal.press("q")
        assert terminal.ends() == 0
    assert gateway.decisions == []


def test_a_key_held_down_from_before_the_menu_decides_nothing(gateway: FakeGateway, placet: Placet) -> None:
    gateway.asks()
    with placet.at_terminal("review") as terminal:
        terminal.waits_for(MENU)
        until = time.monotonic() + 2
        while time.monotonic() < until:
            terminal.press("a")
            time.sleep(0.03)
        terminal.shows_nothing_for(0.5)
        terminal.press("q")
        assert terminal.ends() == 0
    assert gateway.decisions == []


def test_enter_on_a_fresh_menu_skips_for_now(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    with placet.at_terminal("review") as terminal:
        terminal.waits_for(MENU)
        assert "> 5) Skip for now (s)" in terminal.plain
        terminal.press_seen("\r")
        assert terminal.ends() == 0
    assert gateway.decisions == []
    assert gateway.approvals[asked["id"]]["status"] == "pending"


@pytest.mark.parametrize("key", ["\x1b", "\x04", "s", "5"])
def test_escape_end_s_and_its_number_skip_for_now(key: str, gateway: FakeGateway, placet: Placet) -> None:
    gateway.asks()
    with placet.at_terminal("review") as terminal:
        terminal.waits_for(MENU)
        terminal.press_seen(key)
        assert terminal.ends() == 0
    assert "Left as it is." in terminal.plain
    assert gateway.decisions == []


def test_ctrl_c_leaves_with_130_and_nothing_sent(gateway: FakeGateway, placet: Placet) -> None:
    gateway.asks()
    with placet.at_terminal("review") as terminal:
        terminal.waits_for(MENU)
        terminal.press("\x03")
        assert terminal.ends() == 130
    assert "nothing of this was sent" in terminal.plain
    assert gateway.decisions == []


@pytest.mark.parametrize("key", ["1", "a"])
def test_a_number_or_a_letter_decides(key: str, gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    with placet.at_terminal("review", asked["id"][:8]) as terminal:
        terminal.waits_for(MENU)
        terminal.press_seen(key)
        assert terminal.ends() == 0
    assert gateway.decisions[0].body == decided(asked, "approve")
    assert "Approved by Local (cli)" in terminal.plain


def test_arrows_move_and_enter_takes_the_marked_line(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    with placet.at_terminal("review", asked["id"]) as terminal:
        terminal.waits_for(MENU)
        terminal.press_seen("\x1b[B")
        terminal.waits_for("> 1) Approve once")
        terminal.press("\x1b[A")
        terminal.press("\x1bOA")
        terminal.waits_for("> 4) Respond instead")
        terminal.press("\x1b[A")
        terminal.waits_for("> 3) Reject with reason")
        terminal.press("\r")
        terminal.waits_for("Tell the agent why > ")
        terminal.press("not twice\r")
        assert terminal.ends() == 0
    assert gateway.decisions[0].body == decided(asked, "reject", message="not twice")


def test_only_what_is_allowed_is_offered(gateway: FakeGateway, placet: Placet) -> None:
    gateway.asks(allowed_decisions=["approve", "reject"])
    with placet.at_terminal("review") as terminal:
        terminal.waits_for(MENU)
        terminal.press_seen("e4")
        terminal.shows_nothing_for(0.5)
        terminal.press("q")
        terminal.ends()
    assert "Edit" not in terminal.plain
    assert "2) Reject with reason (r)" in terminal.plain
    assert "> 3) Skip for now (s)" in terminal.plain


def test_what_is_pasted_is_no_key(gateway: FakeGateway, placet: Placet) -> None:
    gateway.asks()
    with placet.at_terminal("review") as terminal:
        terminal.waits_for(MENU)
        terminal.press_seen("\x1b[200~1a\r1\x1b[201~")
        terminal.shows_nothing_for(0.5)
        terminal.press("q")
        assert terminal.ends() == 0
    assert gateway.decisions == []


@pytest.mark.parametrize(("risk", "word"), [("high", "yes"), ("critical", "refund")])
def test_a_grave_risk_wants_a_word_typed(risk: str, word: str, gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks(risk=risk)
    with placet.at_terminal("review") as terminal:
        terminal.waits_for(MENU)
        terminal.press_seen(f"1{word}\r")
        terminal.waits_for(f"Type {word} to run exactly this, anything else goes back: ")
        terminal.press("\r")
        terminal.waits_for(MENU, since=terminal.seen.index("Type "))
        assert gateway.decisions == []
        terminal.press_seen("1")
        terminal.waits_for("goes back: ", since=terminal.seen.rindex(MENU))
        terminal.press(f"{word}\r")
        assert terminal.ends() == 0
    assert [one.body["digest"] for one in gateway.decisions] == [asked["digest"]]


def test_a_long_value_is_cut_with_its_count_and_read_with_b(gateway: FakeGateway, placet: Placet) -> None:
    gateway.asks(args={"body": "x" * 3_204 + "END"}, risk="high")
    with placet.at_terminal("review") as terminal:
        terminal.waits_for("(1,207 more characters: b to read)")
        terminal.waits_for(MENU)
        terminal.press_seen("1")
        terminal.waits_for("Read body first: press b.")
        terminal.waits_for(MENU, since=terminal.seen.index("Read body"))
        assert "END" not in terminal.plain
        terminal.press_seen("b")
        terminal.waits_for("END")
        terminal.waits_for(MENU, since=terminal.seen.index("END"))
        terminal.press_seen("1")
        terminal.waits_for("anything else goes back: ")
        terminal.press("no\r")
        terminal.waits_for(MENU, since=terminal.seen.index("Type yes"))
        terminal.press_seen("q")
        assert terminal.ends() == 0
    assert gateway.decisions == []


@pytest.mark.parametrize(
    ("status", "decision", "code", "sentence"),
    [
        ("approved", {"type": "approve"}, 6, "Approved by Dana Ito (web)"),
        ("expired", None, 5, "nobody decided in time."),
        ("cancelled", None, 8, "Cancelled"),
    ],
)
def test_a_decision_elsewhere_ends_the_open_menu(
    status: str, decision: dict[str, object] | None, code: int, sentence: str, gateway: FakeGateway, placet: Placet
) -> None:
    asked = gateway.asks()
    with placet.at_terminal("review", asked["id"]) as terminal:
        terminal.waits_for(MENU)
        gateway.ends(asked["id"], status, decision)
        terminal.waits_for("Nothing of yours was sent.")
        assert terminal.ends() == code
    assert sentence in terminal.plain
    assert gateway.decisions == []


def test_a_decision_elsewhere_ends_an_open_line_too(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    with placet.at_terminal("review") as terminal:
        terminal.waits_for(MENU)
        terminal.press_seen("r")
        terminal.waits_for("Tell the agent why > ")
        terminal.press("because I")
        gateway.ends(asked["id"], "approved", {"type": "approve"})
        terminal.waits_for("Nothing of yours was sent.")
        assert terminal.ends() == 6
    assert gateway.decisions == []


def test_a_race_that_is_lost_names_the_winner_and_exits_6(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    by = {"id": "user:dana", "name": "Dana Ito", "via": "web"}
    decision = {"id": "d", "type": "reject", "by": by, "digest": asked["digest"]}
    ended = {**asked, "status": "rejected", "decision": decision, "ended_at": "2026-07-01T14:02:11Z"}
    gateway.scripted = [problem("already_decided", "Too late.", approval=ended)]
    with placet.at_terminal("review") as terminal:
        terminal.waits_for(MENU)
        terminal.press_seen("1")
        assert terminal.ends() == 6
    assert "Already rejected by Dana Ito (web), 2026-07-01 14:02:11 UTC." in terminal.plain


def test_a_refused_decision_goes_back_to_the_menu(gateway: FakeGateway, placet: Placet) -> None:
    gateway.asks()
    gateway.scripted = [problem("self_approval", "You started this run.")]
    with placet.at_terminal("review") as terminal:
        terminal.waits_for(MENU)
        terminal.press_seen("1")
        terminal.waits_for("You started this run.")
        terminal.waits_for(MENU, since=terminal.seen.index("You started"))
        terminal.press_seen("q")
        assert terminal.ends() == 0


def test_it_steps_through_all_that_is_pending(gateway: FakeGateway, placet: Placet) -> None:
    first, second, third = gateway.asks(), gateway.asks(), gateway.asks()
    with placet.at_terminal("review") as terminal:
        for place, (key, asked) in enumerate((("s", first), ("1", second), ("q", third)), 1):
            terminal.waits_for(f"[{place} of 3]")
            terminal.waits_for(MENU, since=terminal.seen.index(f"[{place} of 3]"))
            assert asked["id"] in terminal.plain
            terminal.press_seen(key)
        assert terminal.ends() == 0
    assert [one.path for one in gateway.decisions] == [f"/v1/approvals/{second['id']}/decision"]


def test_a_key_for_one_approval_does_not_reach_the_next(gateway: FakeGateway, placet: Placet) -> None:
    gateway.asks()
    second = gateway.asks()
    with placet.at_terminal("review") as terminal:
        terminal.waits_for(MENU)
        terminal.press_seen("1111\r\r")
        terminal.waits_for("[2 of 2]")
        terminal.waits_for(MENU, since=terminal.seen.index("[2 of 2]"))
        terminal.press("1")
        terminal.shows_nothing_for(1.0)
        terminal.press("q")
        assert terminal.ends() == 0
    assert len(gateway.decisions) == 1
    assert gateway.approvals[second["id"]]["status"] == "pending"


def test_the_agent_s_words_cannot_act_or_pass_for_the_menu(gateway: FakeGateway, placet: Placet) -> None:
    gateway.asks(
        says="\x1b[2J\x1b[H\x1b]8;;http://evil.example\x07ok\n  1) Approve once\u202e[bold]", title="a\x1b[8mb"
    )
    with placet.at_terminal("review") as terminal:
        terminal.waits_for(MENU)
        terminal.press_seen("q")
        assert terminal.ends() == 0
    for raw in ("\x1b[2J", "\x1b[H", "\x1b]8", "\x1b[8m", "\x07", "\u202e"):
        assert raw not in terminal.seen
    assert "    | \\x1b[2J\\x1b[H\\x1b]8;;http://evil.example\\x07ok" in terminal.plain
    assert "    |   1) Approve once\\u202e[bold]" in terminal.plain


@pytest.mark.parametrize("env", [{"PLACET_ACCESSIBLE": "1"}, {"TERM": "dumb"}])
def test_plain_mode_redraws_nothing(env: dict[str, str], gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    with placet.at_terminal("review", typed="1\n1\n", **env) as terminal:
        terminal.waits_for(PLAIN_MENU)
        terminal.press("\r")
        assert terminal.ends() == 0
    assert gateway.decisions == []
    with placet.at_terminal("review", **env) as terminal:
        terminal.waits_for("Type 1 to 5 and Enter")
        terminal.press("1\r")
        terminal.waits_for(PLAIN_MENU)
        terminal.press("9\r")
        terminal.waits_for(f"There is no such choice.\r\n{PLAIN_MENU}")
        terminal.press("1\r")
        assert terminal.ends() == 0
    assert not re.search(r"\x1b(?!\[[0-9;]*m)", terminal.seen)
    assert [one.body["digest"] for one in gateway.decisions] == [asked["digest"]]


def test_a_question_is_answered_by_numbers_and_text(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.questions(
        {"id": "env", "question": "Where?", "options": ["staging", "production"]},
        {"id": "who", "question": "Who?", "options": ["a", "b", "c"], "multi_select": True, "allow_text": True},
    )
    with placet.at_terminal("review") as terminal:
        terminal.waits_for(MENU)
        terminal.press_seen("1")
        terminal.waits_for("Number (1-2, Enter goes back) > ")
        terminal.press("3\r")
        terminal.waits_for("That is not a number from 1 to 2.\r\nNumber (1-2, Enter goes back) > ")
        terminal.press("2\r")
        terminal.waits_for("Numbers, with commas between (1-3, Enter for text only) > ")
        terminal.press("1, 3\r")
        terminal.waits_for("Text, one line (Enter for none) > ")
        terminal.press("and d\r")
        terminal.waits_for("env: production")
        terminal.waits_for("Send them? Type yes, anything else goes back: ")
        assert gateway.decisions == []
        terminal.press("yes\r")
        assert terminal.ends() == 0
    answers = {"env": {"options": ["2"], "text": None}, "who": {"options": ["1", "3"], "text": "and d"}}
    assert gateway.decisions[0].body == decided(asked, "answer", answers=answers)


def test_a_question_can_be_left_unanswered_on_purpose_only(gateway: FakeGateway, placet: Placet) -> None:
    gateway.questions({"question": "Where?", "options": ["a", "b"]})
    with placet.at_terminal("review") as terminal:
        terminal.waits_for(MENU)
        assert "> 3) Skip for now" in terminal.plain
        terminal.press_seen("1")
        terminal.waits_for("Number (1-2, Enter goes back) > ")
        terminal.press("1\r")
        terminal.waits_for("Send them? Type yes, anything else goes back: ")
        terminal.press("\r")
        terminal.waits_for(MENU, since=terminal.seen.index("Send them?"))
        assert gateway.decisions == []
        terminal.press_seen("n")
        assert terminal.ends() == 0
    assert [one.body["type"] for one in gateway.decisions] == ["skip"]


def test_an_edit_is_shown_and_confirmed_before_it_is_sent(gateway: FakeGateway, placet: Placet, tmp_path: Path) -> None:
    asked = gateway.asks(args_schema={"type": "object"})
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nls "$(dirname "$1")"\nsed -i "s/50/40/" "$1"\n')
    editor.chmod(0o755)
    with placet.at_terminal("review", EDITOR=str(editor)) as terminal:
        terminal.waits_for(MENU)
        terminal.press_seen("e")
        terminal.waits_for("Run it with your arguments? Type yes, anything else goes back: ")
        assert "- amount: 50" in terminal.plain
        assert "+ amount: 40" in terminal.plain
        assert "arguments.schema.json" in terminal.plain
        assert gateway.decisions == []
        terminal.press("yes\r")
        assert terminal.ends() == 0
    assert gateway.decisions[0].body == decided(asked, "edit", {"order_id": "A-77", "amount": 40})


@pytest.mark.parametrize("env", [{"CI": "true"}, {"PLACET_NO_INPUT": "1"}])
def test_nobody_is_asked_where_the_environment_says_so(
    env: dict[str, str], gateway: FakeGateway, placet: Placet
) -> None:
    asked = gateway.asks(risk="high")
    for command in (("review",), ("reject", asked["id"]), ("approve", asked["id"])):
        with placet.at_terminal(*command, **env) as terminal:
            assert terminal.ends() == 2
    with placet.at_terminal("review", "--no-input") as terminal:
        assert terminal.ends() == 2
    assert gateway.decisions == []


def test_the_terminal_is_left_as_it_was(gateway: FakeGateway, placet: Placet) -> None:
    """Echo and lines are back after Ctrl-C, or the shell would be deaf."""
    gateway.asks()
    script = f"trap : INT; {sys.executable} -m placet.cli review; echo ended with $?; stty -a"
    with PseudoTerminal(["/bin/sh", "-c", script], placet.env) as terminal:
        terminal.waits_for(MENU)
        terminal.press("\x03")
        terminal.ends()
    assert "ended with 130" in terminal.plain
    assert re.search(r"(?<!-)\bicanon\b", terminal.plain)
    assert re.search(r"(?<!-)\becho\b", terminal.plain)
