"""The scripted model: its answers are written beforehand, and it keeps no state."""

from __future__ import annotations

import time
from pathlib import Path
from textwrap import dedent

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from placet.agents import AgentsError
from placet.agents.scripted import ScriptedChatModel

SCRIPT = """
- say: I look.
  call:
    - {tool: find, args: {order_id: 7}}
    - {tool: find, args: {order_id: 8}}
  usage: {input_tokens: 11, output_tokens: 3}
- - when: Rejected
    say: I leave it.
  - when: [refunded, Customer 9]
    say: Both.
  - say: Otherwise.
    call: [{tool: refund}]
- say: The end.
"""


@pytest.fixture
def model(tmp_path: Path) -> ScriptedChatModel:
    return script(tmp_path, SCRIPT)


def script(folder: Path, text: str) -> ScriptedChatModel:
    path = folder / "script.yaml"
    path.write_text(dedent(text))
    return ScriptedChatModel.from_yaml(path)


def result(text: str) -> ToolMessage:
    return ToolMessage(text, tool_call_id="x")


ASKED: list[BaseMessage] = [SystemMessage("You are."), HumanMessage("Refund it")]
LOOKED: list[BaseMessage] = [*ASKED, AIMessage("I look.")]


def test_the_first_turn_is_said_first(model: ScriptedChatModel) -> None:
    answer = model.invoke(ASKED)
    assert answer.content == "I look."
    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [
        ("find", {"order_id": 7}),
        ("find", {"order_id": 8}),
    ]
    assert answer.usage_metadata == {"input_tokens": 11, "output_tokens": 3, "total_tokens": 14}


def test_it_answers_the_same_to_the_same_conversation_however_often_it_is_asked(model: ScriptedChatModel) -> None:
    first, again = model.invoke(LOOKED), model.invoke(LOOKED)
    assert (first.content, first.tool_calls) == (again.content, again.tool_calls)


async def test_it_can_be_awaited(model: ScriptedChatModel) -> None:
    assert (await model.ainvoke(LOOKED)).content == "Otherwise."


@pytest.mark.parametrize(
    ("news", "said"),
    [
        (["Refunded."], "Otherwise."),
        (["REFUNDED", "customer 9"], "Both."),
        (["customer 9", "refunded"], "Both."),
        (["refunded", "a person rejected this"], "I leave it."),
        ([], "Otherwise."),
    ],
)
def test_the_first_case_that_fits_what_is_new_is_said(model: ScriptedChatModel, news: list[str], said: str) -> None:
    assert model.invoke([*LOOKED, *map(result, news)]).content == said


def test_what_it_has_read_before_is_not_new(model: ScriptedChatModel) -> None:
    messages: list[BaseMessage] = [SystemMessage("rejected"), HumanMessage("rejected"), AIMessage("rejected")]
    assert model.invoke([*messages, result("ok")]).content == "Otherwise."


def test_ids_of_calls_are_new_in_the_conversation(model: ScriptedChatModel) -> None:
    first = model.invoke(ASKED)
    second = model.invoke([*ASKED, first, result("a"), result("b")])
    ids = [call["id"] for call in (*first.tool_calls, *second.tool_calls)]
    assert len(set(ids)) == 3


def test_each_message_of_a_person_starts_the_script_again(model: ScriptedChatModel) -> None:
    assert model.invoke([*LOOKED, result("x"), AIMessage("Otherwise."), HumanMessage("Again")]).content == "I look."


def test_after_the_last_turn_it_is_done(model: ScriptedChatModel) -> None:
    answer = model.invoke([*LOOKED, AIMessage(""), AIMessage("")])
    assert (answer.content, answer.tool_calls, answer.usage_metadata) == ("I am done.", [], None)


def test_where_no_case_fits_it_is_done(tmp_path: Path) -> None:
    assert script(tmp_path, "- {when: x, say: y}").invoke("z").content == "I am done."


def test_tools_can_be_bound(model: ScriptedChatModel) -> None:
    assert model.bind_tools([{"type": "function", "function": {"name": "x"}}]).invoke(ASKED).content == "I look."


def test_a_call_may_lack_its_id_repeat_one_or_be_unreadable(tmp_path: Path) -> None:
    model = script(
        tmp_path,
        """
        - call:
            - {tool: a, id: ""}
            - {tool: b, id: same}
            - {tool: c, id: same, args: "{not json"}
        """,
    )
    answer = model.invoke("x")
    assert [call["id"] for call in answer.tool_calls] == [None, "same"]
    [invalid] = answer.invalid_tool_calls
    assert (invalid["name"], invalid["args"], invalid["id"]) == ("c", "{not json", "same")


def test_it_takes_its_time(tmp_path: Path) -> None:
    model = script(tmp_path, "- {say: x, delay: 0.05}")
    before = time.monotonic()
    model.invoke("x")
    assert time.monotonic() - before >= 0.05


def test_everything_that_is_wrong_with_a_script_is_told_with_its_line(tmp_path: Path) -> None:
    wrong = """\
    - say: a
      call:
        - {tool: x, args: 5}
    - - wen: b
    - []
    - text
    """
    with pytest.raises(AgentsError) as caught:
        script(tmp_path, wrong)
    places = [line.removeprefix(f"{tmp_path}/").split(": ")[:2] for line in str(caught.value).splitlines()]
    assert places == [
        ["script.yaml:3", "0.call.0.args"],
        ["script.yaml:4", "1.0.wen"],
        ["script.yaml:5", "2"],
        ["script.yaml:6", "3"],
    ]


@pytest.mark.parametrize("text", ["", "say: x", "5", "- say: [", "- {say: a, say: b}"])
def test_what_is_no_script_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(AgentsError, match=r"script\.yaml:1"):
        script(tmp_path, text)


def test_a_script_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(AgentsError, match="No such file"):
        ScriptedChatModel.from_yaml(tmp_path / "none.yaml")
