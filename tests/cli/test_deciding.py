"""Deciding in scripts: what is sent, and how every answer becomes an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from placet_testing.fake_gateway import decided, problem

if TYPE_CHECKING:
    from pathlib import Path

    from placet.contracts.errors import Code
    from placet_testing.fake_gateway import FakeGateway

    from .conftest import Placet


def test_approve_sends_the_digest_of_what_it_shows(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    ended = placet("approve", asked["id"])
    assert ended.code == 0
    assert gateway.decisions[0].body == decided(asked, "approve")
    assert gateway.decisions[0].headers["x-placet-client"] == "cli"
    assert ended.out.index("args.amount\t50") < ended.out.index("Approved by Local (cli)")
    assert asked["digest"] in ended.out


def test_json_is_the_approval_with_words_on_stderr(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    ended = placet("approve", asked["id"], "--json")
    assert ended.document["status"] == "approved"
    assert ended.document["decision"]["type"] == "approve"
    assert "Approved by Local" in ended.err


def test_a_digest_that_is_not_the_call_s_is_refused(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    ended = placet("approve", asked["id"], "--digest", "0" * 64, "--json")
    assert (ended.code, ended.document["code"]) == (6, "stale_digest")
    assert gateway.decisions[0].body["digest"] == "sha256:" + "0" * 64
    assert gateway.approvals[asked["id"]]["status"] == "pending"


def test_nothing_is_sent_for_what_the_digest_does_not_cover(gateway: FakeGateway, placet: Placet) -> None:
    """A gateway that shows other arguments than it would run gets no decision from a person who trusts the screen."""
    asked = gateway.asks(digest="sha256:" + "0" * 64)
    for command in (("approve",), ("reject", "--reason", "no"), ("edit", "--set", "amount=1")):
        ended = placet(command[0], asked["id"], *command[1:])
        assert ended.code == 6
    assert gateway.decisions == []


@pytest.mark.parametrize("risk", ["high", "critical"])
def test_a_grave_risk_wants_a_digest_in_a_script(risk: str, gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks(risk=risk)
    for command in (("approve",), ("edit", "--set", "amount=1")):
        ended = placet(command[0], asked["id"], *command[1:], stdin=f"yes\n{asked['tool']}\n")
        assert ended.code == 2
        assert "--digest" in ended.err
    assert gateway.decisions == []
    assert placet("approve", asked["id"], "--digest", asked["digest"]).code == 0


def test_nothing_is_ever_decided_from_piped_input(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    question = gateway.questions({"question": "Which?", "options": ["a", "b"]})
    piped = "1\n1\nyes\nyes\n"
    assert placet("review", stdin=piped).code == 2
    assert placet("review", asked["id"], stdin=piped).code == 2
    assert placet("reject", asked["id"], stdin=piped).code == 2
    assert placet("respond", asked["id"], stdin=piped).code == 2
    assert placet("edit", asked["id"], stdin=piped, EDITOR="true").code == 2
    assert placet("answer", question["id"], stdin=piped).code == 2
    assert gateway.decisions == []


def test_reject_and_respond_send_their_text(gateway: FakeGateway, placet: Placet) -> None:
    first, second = gateway.asks(), gateway.asks()
    assert placet("reject", first["id"], "--reason", "twice already").code == 0
    assert placet("respond", second["id"], "--text", "paid: yes").code == 0
    assert [one.body["type"] for one in gateway.decisions] == ["reject", "respond"]
    assert [one.body["message"] for one in gateway.decisions] == ["twice already", "paid: yes"]


@pytest.mark.parametrize(
    ("status", "decision", "code", "sentence"),
    [
        ("approved", {"type": "approve"}, 6, "Already approved by Dana Ito (web), "),
        ("approved", {"type": "edit", "args": {}}, 6, "Already approved with edits by Dana Ito (web), "),
        ("rejected", {"type": "reject", "message": "no"}, 6, "Already rejected by Dana Ito (web), "),
        ("expired", None, 5, "nobody decided in time."),
        ("cancelled", None, 8, "Cancelled, "),
        ("superseded", None, 8, "Superseded, "),
    ],
)
def test_who_comes_too_late_reads_who_won_when_and_how(
    status: str, decision: dict[str, object] | None, code: int, sentence: str, gateway: FakeGateway, placet: Placet
) -> None:
    asked = gateway.asks()
    gateway.ends(asked["id"], status, decision)
    ended = placet("reject", asked["id"], "--reason", "late", "--json")
    assert ended.code == code
    assert ended.document["approval"]["status"] == status
    assert sentence in ended.err
    assert "Your decision was not recorded." in ended.err


def test_a_race_that_is_lost_between_look_and_decision_reads_the_same(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    by = {"id": "user:dana", "name": "Dana\x1b[2J", "via": "web"}
    won = {"id": "d", "type": "approve", "by": by, "digest": asked["digest"]}
    now = {**asked, "status": "approved", "decision": won, "ended_at": "2026-07-01T14:02:11Z"}
    gateway.scripted = [problem("already_decided", "Too late.", approval=now)]
    ended = placet("approve", asked["id"])
    assert ended.code == 6
    assert "Already approved by Dana\\x1b[2J (web), 2026-07-01 14:02:11 UTC." in ended.err


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("malformed_json", 9),
        ("unauthenticated", 4),
        ("not_allowed", 4),
        ("not_an_approver", 4),
        ("self_approval", 4),
        ("decision_not_allowed", 4),
        ("not_found", 7),
        ("unknown_agent", 7),
        ("already_decided", 6),
        ("expired", 5),
        ("cancelled", 8),
        ("superseded", 8),
        ("stale_digest", 6),
        ("thread_busy", 6),
        ("run_ended", 6),
        ("too_large", 9),
        ("invalid_request", 9),
        ("invalid_decision", 9),
        ("invalid_args", 9),
        ("edit_denied", 3),
        ("invalid_query", 2),
        ("idempotency_key_reused", 9),
        ("slow_down", 69),
        ("unavailable", 69),
    ],
)
def test_every_refusal_has_its_exit_code(code: Code, exit_code: int, gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    gateway.scripted = [problem(code, "Because \x1b[2J.")]
    ended = placet("approve", asked["id"], "--json")
    assert (ended.code, ended.document["code"]) == (exit_code, code)
    assert "Because \\x1b[2J." in ended.err


def test_an_answer_202_is_10_and_names_the_decision(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    gateway.scripted = [(202, {"status": "recorded", "decision_id": "d1"})]
    ended = placet("approve", asked["id"], "--json")
    assert ended.code == 10
    assert (ended.document["status"], ended.document["decision_id"]) == ("recorded", "d1")
    assert "It counts unless another decision was recorded before it" in ended.err


def test_a_lost_answer_is_asked_for_again_with_the_same_key(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    gateway.scripted = [None, None]
    assert placet("approve", asked["id"]).code == 0
    keys = {one.headers["idempotency-key"] for one in gateway.decisions}
    assert (len(gateway.decisions), len(keys)) == (3, 1)


def test_when_no_answer_comes_at_all_the_key_to_repeat_with_is_named(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    gateway.scripted = [None] * 4
    ended = placet("approve", asked["id"], "--json")
    assert ended.code == 69
    key = gateway.decisions[0].headers["idempotency-key"]
    assert (ended.document["maybe_recorded"], ended.document["idempotency_key"]) == (True, key)
    assert f"--idempotency-key {key}" in ended.err
    assert placet("approve", asked["id"], "--idempotency-key", key).code == 0
    assert gateway.decisions[-1].headers["idempotency-key"] == key


def test_a_refusal_is_not_repeated(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    gateway.scripted = [problem("unavailable", "Temporal is away.", maybe_recorded=True, idempotency_key="k1")]
    ended = placet("approve", asked["id"])
    assert ended.code == 69
    assert "--idempotency-key k1" in ended.err
    assert len(gateway.decisions) == 1


def test_the_request_is_named_where_the_gateway_names_it(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    gateway.headers["X-Request-Id"] = "r-17"
    gateway.scripted = [problem("not_allowed", "No.")]
    assert "(request r-17)" in placet("approve", asked["id"]).err


def test_the_key_goes_along(gateway: FakeGateway, placet: Placet) -> None:
    placet("inbox", PLACET_API_KEY="placet_abc")
    assert gateway.received[0].headers["authorization"] == "Bearer placet_abc"


def test_edit_sends_the_whole_new_object(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks(args={"amount": 50, "to": ["a@x.example"], "note": None, "big": 2**70})
    options = ["--set", "amount=12345678901234567890123", "--set", "to[0]=b@y.example", "--set", "to[1]=c", "--set"]
    ended = placet("edit", asked["id"], *options, "meta.why=[1, true]")
    assert ended.code == 0
    assert gateway.decisions[0].body["args"] == {
        "amount": 12345678901234567890123,
        "to": ["b@y.example", "c"],
        "note": None,
        "big": 2**70,
        "meta": {"why": [1, True]},
    }
    assert "- amount: 50" in ended.out
    assert "+ amount: 12345678901234567890123" in ended.out
    assert "Approved with edits by Local" in ended.out


def test_edit_takes_a_file_exactly(gateway: FakeGateway, placet: Placet, tmp_path: Path) -> None:
    asked = gateway.asks()
    file = tmp_path / "args.json"
    file.write_text('{"amount": 18446744073709551617}')
    assert placet("edit", asked["id"], "--args-file", str(file)).code == 0
    assert gateway.decisions[0].body["args"] == {"amount": 18446744073709551617}


@pytest.mark.parametrize(
    ("text", "code"), [("{", 9), ('{"a": 1, "a": 2}', 9), ("[1]", 9), ('{"a": NaN}', 9), ('{"a": 1e999}', 9)]
)
def test_a_file_that_is_not_one_json_object_is_9(
    text: str, code: int, gateway: FakeGateway, placet: Placet, tmp_path: Path
) -> None:
    asked = gateway.asks()
    file = tmp_path / "args.json"
    file.write_text(text)
    assert placet("edit", asked["id"], "--args-file", str(file), "--json").code == code
    assert gateway.decisions == []


def test_arguments_that_break_the_schema_are_9_and_say_where(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    ended = placet("edit", asked["id"], "--set", "amount=much")
    assert ended.code == 9
    assert "/amount: not a number" in ended.err
    assert gateway.approvals[asked["id"]]["status"] == "pending"


def test_usage_errors_of_edit_are_2(gateway: FakeGateway, placet: Placet, tmp_path: Path) -> None:
    asked = gateway.asks()
    assert placet("edit", asked["id"]).code == 2
    assert placet("edit", asked["id"], "--set", "amount").code == 2
    assert placet("edit", asked["id"], "--args-file", str(tmp_path / "none")).code == 2
    assert placet("edit", asked["id"], "--set", "a=1", "--args-file", str(tmp_path)).code == 2
    assert placet("approve", asked["id"], "--no-such-flag").code == 2
    assert gateway.decisions == []


def test_answer_takes_options_by_id_or_label_and_text(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.questions(
        {"id": "env", "question": "Where?", "options": [{"id": "s", "label": "Staging"}, "Production"]},
        {"id": "who=", "question": "Who?", "options": ["a", "b", "c"], "multi_select": True, "allow_text": True},
    )
    options = ("--choose", "env=staging", "--choose", "who==1", "--choose", "who==3", "--text", "who==d = e")
    assert placet("answer", asked["id"], *options).code == 0
    assert gateway.decisions[0].body["answers"] == {
        "env": {"options": ["s"], "text": None},
        "who=": {"options": ["1", "3"], "text": "d = e"},
    }
    assert gateway.decisions[0].body["digest"] == asked["digest"]


@pytest.mark.parametrize(("option", "code"), [("q2=1", 9), ("q1=9", 9), ("q1", 2)])
def test_an_answer_that_does_not_fit_is_9_and_one_that_is_none_is_2(
    option: str, code: int, gateway: FakeGateway, placet: Placet
) -> None:
    asked = gateway.questions({"question": "Which?", "options": ["a", "b"]})
    assert placet("answer", asked["id"], "--choose", option).code == code
    assert gateway.decisions == []


def test_skip_skips(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.questions({"question": "Which?", "options": ["a", "b"]})
    assert placet("skip", asked["id"], "--json").document["status"] == "skipped"


def test_the_question_is_shown_from_what_the_digest_covers(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.questions({"question": "Delete \u202eit?", "options": ["yes", "no"]})
    asked["questions"] = [{"id": "q1", "question": "Something else?", "options": [{"id": "1", "label": "x"}]}]
    shown = placet("show", asked["id"]).out
    assert "    | Delete \\u202eit?" in shown
    assert "Something else" not in shown
    assert shown.index("The agent asks (untrusted)") < shown.index("Delete")
