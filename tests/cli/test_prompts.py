"""What single commands ask at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from placet_testing.fake_gateway import FakeGateway

    from .conftest import Placet


def test_approve_shows_and_sends_where_the_risk_is_not_grave(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    with placet.at_terminal("approve", asked["id"]) as terminal:
        assert terminal.ends() == 0
    assert "Exactly what will run" in terminal.plain
    assert gateway.decisions[0].body["digest"] == asked["digest"]


@pytest.mark.parametrize(("risk", "word"), [("high", "yes"), ("critical", "refund")])
def test_approve_of_a_grave_risk_wants_a_word_typed_after_the_question(
    risk: str, word: str, gateway: FakeGateway, placet: Placet
) -> None:
    asked = gateway.asks(risk=risk)
    with placet.at_terminal("approve", asked["id"], typed=f"{word}\n{word}\n") as terminal:
        terminal.waits_for(f"Type {word} to run exactly this, anything else goes back: ")
        terminal.shows_nothing_for(0.5)
        terminal.press("\r")
        assert terminal.ends() == 2
    assert gateway.decisions == []
    with placet.at_terminal("approve", asked["id"]) as terminal:
        terminal.waits_for(f"Type {word} to run exactly this, anything else goes back: ")
        terminal.press(f"{word}\r")
        assert terminal.ends() == 0
    assert len(gateway.decisions) == 1


@pytest.mark.parametrize(("risk", "word"), [("high", "yes"), ("critical", "refund")])
def test_a_digest_does_not_stand_for_the_word_where_somebody_sits(
    risk: str, word: str, gateway: FakeGateway, placet: Placet
) -> None:
    """A command line that somebody was sent, and pastes, holds one; a script says that nobody is there."""
    asked = gateway.asks(risk=risk)
    given = ("approve", asked["id"], "--digest", asked["digest"])
    with placet.at_terminal(*given) as terminal:
        terminal.waits_for(f"Type {word} to run exactly this, anything else goes back: ")
        terminal.press("\r")
        assert terminal.ends() == 2
    assert gateway.decisions == []
    with placet.at_terminal(*given, CI="1") as terminal:
        assert terminal.ends() == 0
    assert len(gateway.decisions) == 1


def test_a_question_about_what_ended_meanwhile_ends_with_6(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks(risk="high")
    with placet.at_terminal("approve", asked["id"]) as terminal:
        terminal.waits_for("Type yes")
        gateway.ends(asked["id"], "rejected", {"type": "reject"})
        assert terminal.ends() == 6
    assert "Rejected by Dana Ito (web)" in terminal.plain


@pytest.mark.parametrize(
    ("command", "prompt"), [("reject", "Tell the agent why > "), ("respond", "reads as its result > ")]
)
def test_reject_and_respond_ask_for_their_text(command: str, prompt: str, gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    with placet.at_terminal(command, asked["id"], typed="typed before\n") as terminal:
        terminal.waits_for(prompt)
        terminal.press("ünder way\r")
        assert terminal.ends() == 0
    assert gateway.decisions[0].body["message"] == "ünder way"
    other = gateway.asks()
    with placet.at_terminal(command, other["id"]) as terminal:
        terminal.waits_for(prompt)
        terminal.press("\r")
        assert terminal.ends() == 2
    assert "Nothing was sent." in terminal.plain
    assert len(gateway.decisions) == 1


def test_ctrl_c_at_a_question_is_130_and_nothing_sent(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    with placet.at_terminal("reject", asked["id"]) as terminal:
        terminal.waits_for("Tell the agent why > ")
        terminal.press("bec\x03")
        assert terminal.ends() == 130
    assert gateway.decisions == []


def test_answer_asks_each_question(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.questions({"question": "How much?", "allow_text": True})
    with placet.at_terminal("answer", asked["id"]) as terminal:
        terminal.waits_for("Text, one line > ")
        terminal.press("50\r")
        terminal.waits_for("Send them? Type yes, anything else goes back: ")
        terminal.press("yes\r")
        assert terminal.ends() == 0
    assert gateway.decisions[0].body["answers"] == {"q1": {"options": [], "text": "50"}}


def test_an_editor_that_changes_nothing_sends_nothing(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    with placet.at_terminal("edit", asked["id"], EDITOR="true") as terminal:
        assert terminal.ends() == 2
    assert "Nothing has changed." in terminal.plain
    assert gateway.decisions == []


def test_what_the_editor_leaves_is_read_again_until_it_is_json(
    gateway: FakeGateway, placet: Placet, tmp_path: Path
) -> None:
    asked = gateway.asks()
    editor = tmp_path / "editor"
    editor.write_text(f'#!/bin/sh\ncp {tmp_path}/next "$1"\necho \'{{"amount": 40}}\' > {tmp_path}/next\n')
    (tmp_path / "next").write_text('{"amount": 40,}')
    editor.chmod(0o755)
    with placet.at_terminal("edit", asked["id"], VISUAL=str(editor)) as terminal:
        terminal.waits_for("Edit again? Type yes, anything else goes back: ")
        terminal.press("yes\r")
        terminal.waits_for("Run it with your arguments? Type yes, anything else goes back: ")
        terminal.press("yes\r")
        assert terminal.ends() == 0
    assert gateway.decisions[0].body["args"] == {"amount": 40}
