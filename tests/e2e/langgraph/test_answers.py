"""Every form in which a client answers what waits, and every way in which an answer comes too late or twice."""

from __future__ import annotations

import json
from functools import partial
from typing import Any, Final

import httpx
import pytest

from placet.langgraph_api.ids import HEX_32
from placet_testing.chatting import APPROVE, Chat, a_text, actions_of, call, contents, interrupt_of, refused, script
from placet_testing.deployment import Json, together

pytestmark = pytest.mark.timeout(120)

OLD_ACCEPT: Final = [{"type": "accept", "args": None}]
BARE: Final[dict[str, Any]] = {
    "decisions": APPROVE,
    "one decision": {"type": "approve"},
    "the old list": OLD_ACCEPT,
    "the old list of Agent Inbox": [{"type": "accept", "args": {"action": "send", "args": {"text": "TEXT"}}}],
}


def with_text(answer: Any, text: str) -> Any:
    """Returns an answer with the test's own text in it."""
    return json.loads(json.dumps(answer).replace("TEXT", text))


@pytest.mark.parametrize("by_id", [False, True], ids=["bare", "by id"])
@pytest.mark.parametrize("form", BARE)
def test_every_form_approves(chat: Chat, form: str, by_id: bool) -> None:  # noqa: FBT001 - a parameter of a test
    thread, text = chat.thread(), a_text()
    interrupt = chat.waiting(thread, [call(text)])
    chat.look(thread)
    answer = with_text(BARE[form], text)
    done = chat.resume(thread, {interrupt["id"]: answer} if by_id else answer)
    assert contents(done)[-1] == f"Sent {text}."
    assert len(chat.deployment.effects(text)) == 1


EDITS: Final[dict[str, Any]] = {
    "edited_action": {"type": "edit", "edited_action": {"name": "pay", "args": {"text": "TEXT", "amount": 7}}},
    "editedAction": {"type": "edit", "editedAction": {"name": "pay", "args": {"text": "TEXT", "amount": 7}}},
    "as text": {"type": "edit", "edited_action": {"name": "pay", "args": {"text": "TEXT", "amount": "7"}}},
    "the old list, as text": [{"type": "edit", "args": {"action": "pay", "args": {"text": "TEXT", "amount": "7"}}}],
}


@pytest.mark.parametrize("form", EDITS)
def test_an_edit_runs_with_the_types_of_the_tool(chat: Chat, form: str) -> None:
    thread, text = chat.thread(), a_text()
    interrupt = chat.waiting(thread, [call(text, "pay", amount=250)])
    chat.resume(thread, {interrupt["id"]: with_text(EDITS[form], text)})
    (paid,) = chat.deployment.effects(text)
    assert paid["amount"] == 7
    approval = chat.deployment.read(interrupt["id"])
    assert approval["decision"]["type"] == "edit"
    assert approval["decision"]["args"] == {"text": text, "amount": 7}


REFUSED: Final[dict[str, tuple[Any, int, str]]] = {
    "an empty answer": ({}, 422, "invalid_decision"),
    "an empty list": ([], 422, "invalid_decision"),
    "no decisions": ({"decisions": []}, 422, "invalid_decision"),
    "two decisions on one call": ({"decisions": [{"type": "approve"}] * 2}, 422, "invalid_decision"),
    "a word": ("yes", 422, "invalid_decision"),
    "an unknown type": ({"type": "maybe"}, 422, "invalid_decision"),
    "another tool": (
        {"type": "edit", "edited_action": {"name": "note", "args": {"text": "x"}}},
        422,
        "invalid_decision",
    ),
    "an edit without arguments": ({"type": "edit"}, 422, "invalid_decision"),
    "arguments that break the schema": (
        {"type": "edit", "edited_action": {"name": "send", "args": {"text": "x", "copies": "many"}}},
        422,
        "invalid_args",
    ),
    "a blank response": ({"type": "respond", "message": " "}, 422, "invalid_decision"),
    "other arguments with an approval": (
        [{"type": "accept", "args": {"action": "send", "args": {"text": "other"}}}],
        409,
        "stale_digest",
    ),
    "another digest": ({"type": "approve", "digest": "sha256:" + "0" * 64}, 409, "stale_digest"),
    "an id that nothing has": ({"0" * 32: {"type": "approve"}}, 409, "no_such_interrupt"),
}


def test_an_answer_that_does_not_fit_changes_nothing(chat: Chat) -> None:
    thread, text = chat.thread(), a_text()
    interrupt = chat.waiting(thread, [call(text)])
    chat.look(thread)
    for name, (answer, status, code) in REFUSED.items():
        with refused(status, code):
            chat.resume(thread, answer)
        assert interrupt_of_thread(chat, thread) == interrupt, name
    with refused(403, "not_allowed"):
        chat.resume(thread, {interrupt["id"]: APPROVE}, "bot")
    chat.resume(thread, {interrupt["id"]: APPROVE})
    assert len(chat.deployment.effects(text)) == 1


def interrupt_of_thread(chat: Chat, thread: str, user: str = "dana") -> Json:
    (interrupts,) = chat.look(thread, user)["interrupts"].values()
    (interrupt,) = interrupts
    return interrupt


def test_a_rejection_and_a_response_reach_the_model(chat: Chat) -> None:
    thread, text = chat.thread(), a_text()
    first = chat.waiting(thread, [call(text)], [call(text)])
    decision = {"type": "reject", "message": "Not today."}
    second = interrupt_of(chat.resume(thread, {first["id"]: {"decisions": [decision]}}))
    done = chat.resume(thread, {second["id"]: [{"type": "response", "args": "Call them."}]})
    said = [message["content"] for message in done["messages"] if message["type"] == "tool"]
    assert "Not today." in said[0]
    assert said[1] == "Call them."
    assert chat.deployment.effects(text) == []


def test_the_calls_of_a_turn_are_one_interrupt_and_are_decided_in_their_order(chat: Chat) -> None:
    thread, texts = chat.thread(), [a_text() for _ in range(3)]
    interrupt = chat.waiting(thread, [call(texts[0]), call(a_text(), "note"), *map(call, texts[1:])])
    assert [action["args"]["text"] for action in actions_of(interrupt)] == texts
    assert len(interrupt["value"]["review_configs"]) == 3
    ids = [interrupt["id"], *(action["approval_id"] for action in actions_of(interrupt))]
    assert all(HEX_32.fullmatch(one) for one in ids), "clients take a map of other keys for a bare answer"
    assert len(set(ids)) == 4
    chat.look(thread)
    with refused(422, "invalid_decision", "3 decisions"):
        chat.resume(thread, {"decisions": [{"type": "approve"}]})
    with refused(422, "invalid_args"):
        wrong: Json = {"type": "edit", "edited_action": {"name": "send", "args": {}}}
        chat.resume(thread, {"decisions": [{"type": "approve"}, wrong, {"type": "approve"}]})
    assert interrupt_of_thread(chat, thread) == interrupt, "all of it, or nothing"
    decisions = [{"type": "approve"}, {"type": "reject"}, {"type": "approve"}]
    chat.resume(thread, {"decisions": decisions})
    assert [len(chat.deployment.effects(text)) for text in texts] == [1, 0, 1]


def test_each_call_of_a_turn_may_be_decided_by_its_own_id(chat: Chat) -> None:
    thread, texts = chat.thread(), [a_text(), a_text()]
    interrupt = chat.waiting(thread, [*map(call, texts)])
    one, other = [action["approval_id"] for action in actions_of(interrupt)]
    rest = interrupt_of(chat.resume(thread, {one: {"type": "approve"}}))
    assert rest["id"] == other
    assert [len(chat.deployment.effects(text)) for text in texts] == [1, 0], "its sibling waits on"
    with refused(409, "interrupt_changed"):
        chat.resume(thread, {interrupt["id"]: {"decisions": [{"type": "approve"}] * 2}}, "bot")
    chat.resume(thread, {other: {"type": "approve"}})
    assert [len(chat.deployment.effects(text)) for text in texts] == [1, 1]


def test_a_bare_answer_counts_only_for_what_its_sender_was_shown(chat: Chat) -> None:
    thread, texts = chat.thread(), [a_text(), a_text()]
    interrupt = chat.waiting(thread, [*map(call, texts)])
    with refused(409, "interrupt_changed", "shown to you"):
        chat.resume(thread, {"decisions": [{"type": "approve"}] * 2})
    chat.look(thread)
    first = chat.deployment.read(actions_of(interrupt)[0]["approval_id"])
    chat.deployment.decide(first, "reject", user="eve")
    chat.deployment.ended(first)
    with refused(409, "interrupt_changed", "nothing was decided"):
        chat.resume(thread, {"decisions": [{"type": "approve"}] * 2})
    assert [len(chat.deployment.effects(text)) for text in texts] == [0, 0]
    chat.look(thread)
    chat.resume(thread, APPROVE)
    assert [len(chat.deployment.effects(text)) for text in texts] == [0, 1]


def test_the_second_click_on_a_card_never_reaches_the_next_one(chat: Chat) -> None:
    """The answer that comes again is the answer that came; what waits by then was not shown to its sender."""
    thread, texts = chat.thread(), [a_text(), a_text()]
    chat.waiting(thread, [call(texts[0])], [call(texts[1])])
    chat.look(thread)
    client = chat.client("dana")
    first, second = (client.runs.create(thread, "desk", command={"resume": APPROVE}) for _ in range(2))
    assert first["run_id"] == second["run_id"]
    chat.deployment.wait(lambda: chat.look(thread, "bot")["status"] == "interrupted")
    third = client.runs.create(thread, "desk", command={"resume": APPROVE})
    assert third["run_id"] == first["run_id"]
    assert [len(chat.deployment.effects(text)) for text in texts] == [1, 0]


def test_a_bare_answer_that_names_its_moment_counts_in_no_other_though_another_tab_was_shown_more(chat: Chat) -> None:
    thread, texts = chat.thread(), [a_text(), a_text()]
    chat.waiting(thread, [call(texts[0])], [call(texts[1])])
    client = chat.client("dana")
    first = client.threads.get_state(thread)["checkpoint"]
    client.runs.wait(thread, "desk", command={"resume": APPROVE}, checkpoint=first)
    with refused(409, "interrupt_changed", "nothing was decided"):
        client.runs.wait(thread, "desk", command={"resume": APPROVE}, checkpoint=first)
    assert [len(chat.deployment.effects(text)) for text in texts] == [1, 0]
    second = client.threads.get_state(thread)["checkpoint"]
    client.runs.wait(thread, "desk", command={"resume": APPROVE}, checkpoint=second)
    assert [len(chat.deployment.effects(text)) for text in texts] == [1, 1]


@pytest.mark.parametrize("calls", [1, 3])
def test_who_reads_after_an_answer_is_not_shown_what_it_answered(chat: Chat, calls: int) -> None:
    for _ in range(3):
        thread = chat.thread()
        interrupt = chat.waiting(thread, [call(a_text()) for _ in range(calls)])
        answer = {interrupt["id"]: {"decisions": [{"type": "approve"}] * calls}}
        chat.client("dana").runs.create(thread, "desk", command={"resume": answer})
        for gateway in (1, 0):
            assert chat.client("eve", gateway).threads.get(thread)["interrupts"] == {}


def test_the_same_answer_by_id_is_the_same_run_and_another_one_is_told_who_won(chat: Chat) -> None:
    thread, text = chat.thread(), a_text()
    interrupt = chat.waiting(thread, [call(text)])
    client, answer = chat.client("dana"), {interrupt["id"]: APPROVE}
    runs = [client.runs.create(thread, "desk", command={"resume": answer})["run_id"] for _ in range(3)]
    assert len(set(runs)) == 1
    with refused(409, "already_decided", "Dana Ito has decided"):
        chat.resume(thread, {interrupt["id"]: {"decisions": [{"type": "reject"}]}})
    with refused(409, "already_decided", "Dana Ito has decided"):
        chat.resume(thread, answer, "eve")
    assert len(chat.deployment.effects(text)) == 1


def test_of_two_clients_that_race_one_wins_through_whichever_gateway(chat: Chat) -> None:
    for _ in range(5):
        thread, text = chat.thread(), a_text()
        interrupt = chat.waiting(thread, [call(text)])
        users = ("dana", "eve")
        send = [partial(posted, chat, thread, interrupt["id"], user, place) for place, user in enumerate(users)]
        answers = together(send)
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        (lost,) = (answer.json() for answer in answers if answer.status_code == 409)
        winner = users[[answer.status_code for answer in answers].index(200)]
        assert lost["code"] == "already_decided"
        assert lost["approval"]["decision"]["by"]["id"] == f"user:{winner}"
        assert len(chat.deployment.effects(text)) <= 1


def test_the_same_answer_at_once_ten_times_is_one_run(chat: Chat) -> None:
    thread, text = chat.thread(), a_text()
    interrupt = chat.waiting(thread, [call(text)])
    answers = together([partial(posted, chat, thread, interrupt["id"], "dana", place % 2) for place in range(10)])
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["run_id"] for answer in answers}) == 1
    chat.deployment.wait(lambda: chat.look(thread)["status"] == "idle")
    assert len(chat.deployment.effects(text)) == 1


def test_an_answer_a_stop_and_a_new_message_that_race_have_one_end_and_no_failure(chat: Chat) -> None:
    for _ in range(3):
        thread, text = chat.thread(), a_text()
        interrupt = chat.waiting(thread, [call(text)])
        (run,) = chat.client("bot").runs.list(thread)
        bot, path = chat.deployment.client("bot", 1), f"/langgraph/threads/{thread}/runs"
        message: Json = {"assistant_id": "desk", "input": script([]), "multitask_strategy": "interrupt"}
        answers = together(
            [
                partial(posted, chat, thread, interrupt["id"], "dana"),
                partial(bot.post, f"{path}/{run['run_id']}/cancel"),
                partial(bot.post, path, json=message),
            ]
        )
        assert all(answer.status_code < 500 for answer in answers), [answer.text for answer in answers]
        ended = chat.deployment.ended(interrupt["id"])
        assert (answers[0].status_code == 200) == (ended["status"] == "approved")
        chat.deployment.wait(lambda thread=thread: chat.look(thread, "bot")["status"] == "idle")
        assert len(chat.deployment.effects(text)) <= (ended["status"] == "approved")


def posted(chat: Chat, thread: str, interrupt_id: str, user: str, gateway: int = 0) -> httpx.Response:
    body = {"assistant_id": "desk", "command": {"resume": {interrupt_id: APPROVE}}}
    return chat.deployment.client(user, gateway).post(f"/langgraph/threads/{thread}/runs", json=body)


def test_an_answer_of_yesterday_is_told_that_it_is_too_late(chat: Chat) -> None:
    thread = chat.thread()
    interrupt = chat.waiting(thread, [call(a_text(), "send_soon")])
    chat.look(thread)
    chat.deployment.wait(lambda: chat.deployment.read(interrupt["id"])["status"] == "expired")
    with refused(409, "expired"):
        chat.resume(thread, APPROVE)
    with refused(409, "expired"):
        chat.resume(thread, {interrupt["id"]: APPROVE})


QUESTIONS: Final = [
    {"id": "account", "question": "Which account?", "options": ["Savings", {"id": "c", "label": "Current"}]},
    {"id": "why", "question": "Why?", "allow_text": True},
]
ANSWERS: Final[dict[str, Any]] = {
    "respond": {"decisions": [{"type": "respond", "message": '{"account": "Current", "why": "Rent"}'}]},
    "by question": {"account": "c", "why": "Rent"},
    "answers": {"type": "answer", "answers": {"account": {"options": ["c"]}, "why": {"text": "Rent"}}},
}


@pytest.mark.parametrize("form", ANSWERS)
def test_questions_are_answered_in_every_form(chat: Chat, form: str) -> None:
    thread = chat.thread()
    asks = {"tool": "ask_human", "args": {"questions": QUESTIONS}}
    interrupt = chat.waiting(thread, [asks])
    (action,) = actions_of(interrupt)
    assert action["name"] == "ask_human"
    assert [question["id"] for question in action["questions"]] == ["account", "why"]
    assert interrupt["value"]["review_configs"][0]["allowed_decisions"] == ["respond"]
    chat.resume(thread, {interrupt["id"]: ANSWERS[form]}, "dana")
    answers = chat.deployment.read(interrupt["id"])["decision"]["answers"]
    assert answers["account"]["options"] == ["c"]
    assert answers["why"]["text"] == "Rent"


def test_one_question_is_answered_by_a_bare_text(chat: Chat) -> None:
    thread = chat.thread()
    question = {"question": "Which?", "options": ["Savings", "Current"]}
    asks = {"tool": "ask_human", "args": {"questions": [question], "allow_skip": True}}
    interrupt = chat.waiting(thread, [asks], [asks])
    chat.look(thread)
    second = interrupt_of(chat.resume(thread, "current"))
    (answer,) = chat.deployment.read(interrupt["id"])["decision"]["answers"].values()
    assert answer["options"] == ["2"]
    chat.resume(thread, {second["id"]: [{"type": "ignore", "args": None}]})
    assert chat.deployment.read(second["id"])["status"] == "skipped"


def test_a_new_message_while_something_waits_is_refused_or_takes_its_place(chat: Chat) -> None:
    thread, text = chat.thread(), a_text()
    interrupt = chat.waiting(thread, [call(text)])
    with refused(409, "thread_busy"):
        chat.wait(thread, script([]))
    with refused(409, "thread_busy"):
        chat.wait(thread, script([]), multitask_strategy="enqueue")
    fake: Json = {"type": "tool", "content": "Successfully handled tool call.", "tool_call_id": "call_0", "id": "fake"}
    given = script([call(text, "note")])
    given["messages"].insert(0, fake)
    done = chat.wait(thread, given, multitask_strategy="interrupt")
    assert contents(done)[-1] == f"Noted {text}."
    assert "Successfully handled tool call." not in contents(done), "only tools give results"
    assert chat.deployment.read(interrupt["id"])["status"] == "superseded"
    assert [line["tool"] for line in chat.deployment.effects(text)] == ["note"]
    with refused(409, "superseded"):
        chat.resume(thread, {interrupt["id"]: APPROVE})


def test_only_who_started_a_run_puts_another_in_its_place(chat: Chat) -> None:
    thread = chat.thread()
    chat.waiting(thread, [call(a_text())])
    with refused(403, "not_allowed"):
        chat.wait(thread, script([]), "dana", multitask_strategy="interrupt")


def test_the_same_message_sent_again_is_the_same_run(chat: Chat) -> None:
    """Older clients send a request again by themselves where a gateway was away."""
    thread, text = chat.thread(), a_text()
    given = script([call(text, "note")])
    first = chat.client("bot").runs.create(thread, "desk", input=given)
    again = chat.client("bot", 1).runs.create(thread, "desk", input=given)
    assert first["run_id"] == again["run_id"]
    chat.client("bot").runs.join(thread, first["run_id"])
    assert len(chat.deployment.effects(text)) == 1
