"""The billing desk: real rows, real letters, and a second run of the same call changes nothing."""

from __future__ import annotations

import email
import email.policy
import re
import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from placet.agents import Agent, Agents
from placet.engine.config_file import load
from placet.policy import judge

EXAMPLE = Path(__file__).parents[3] / "examples" / "billing"
Rows = list[tuple[Any, ...]]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shop"
    monkeypatch.setenv("BILLING_SHOP", str(folder))
    return folder


@pytest.fixture
def desk(shop: Path) -> Iterator[Agent]:
    del shop
    path, modules = list(sys.path), set(sys.modules)
    yield Agents.load(load(EXAMPLE / "placet.yaml"), EXAMPLE)["billing"]
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith("billing_"):
            del sys.modules[name]


def rows(shop: Path, query: str) -> Rows:
    connection = sqlite3.connect(shop / "shop.db")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def letters(shop: Path) -> list[Path]:
    """Returns everything that lies in the outbox."""
    return list((shop / "outbox").glob("*"))


async def run(desk: Agent, tool: str, key: str | None = None, **args: Any) -> str:
    assert desk.tools[tool].validate(args) == []
    metadata = {"placet_idempotency_key": key, "placet_approver": "user:dana"} if key else {}
    result = await desk.tools[tool].run(args, {"metadata": metadata})
    assert isinstance(result, str)
    return result


async def test_an_order_is_found_by_its_number_and_by_the_customers_name(desk: Agent) -> None:
    by_number = await run(desk, "find_orders", order_id=1001)
    assert by_number == (
        '[{"order_id":1001,"item":"Teapot","total_cents":2500,"refunded_cents":0,'
        '"customer":"Ada Lovelace","email":"ada@example.com"}]'
    )
    assert (await run(desk, "find_orders", customer="lovel")).count("order_id") == 2
    assert await run(desk, "find_orders", order_id=1001, customer="Babbage") == "[]"
    assert await run(desk, "find_orders", customer="%") == "[]"
    with pytest.raises(ValueError, match="give an order"):
        await run(desk, "find_orders")


async def test_a_refund_is_a_row(desk: Agent, shop: Path) -> None:
    assert await run(desk, "refund", "k", order_id=1001, amount_cents=1999, reason="x") == (
        "Refunded 19.99 EUR on order 1001."
    )
    columns = "order_id, amount_cents, reason, approved_by, idempotency_key"
    assert rows(shop, f"SELECT {columns} FROM refunds") == [(1001, 1999, "x", "user:dana", "k")]  # noqa: S608 - ours
    assert '"refunded_cents":1999' in await run(desk, "find_orders", order_id=1001)


async def test_a_second_run_of_the_same_call_refunds_nothing_and_says_the_same(desk: Agent, shop: Path) -> None:
    said = [await run(desk, "refund", "k", order_id=1001, amount_cents=2500, reason="x") for _ in range(3)]
    assert set(said) == {"Refunded 25.00 EUR on order 1001."}
    assert rows(shop, "SELECT count(*) FROM refunds") == [(1,)]


async def test_two_calls_are_two_refunds_up_to_what_was_paid(desk: Agent, shop: Path) -> None:
    await run(desk, "refund", "a", order_id=1001, amount_cents=2000, reason="x")
    await run(desk, "refund", "b", order_id=1001, amount_cents=500, reason="x")
    with pytest.raises(ValueError, match=r"0\.00 EUR left to refund, not 0\.01 EUR"):
        await run(desk, "refund", "c", order_id=1001, amount_cents=1, reason="x")
    with pytest.raises(ValueError, match="no order 1"):
        await run(desk, "refund", "d", order_id=1, amount_cents=1, reason="x")
    assert rows(shop, "SELECT sum(amount_cents) FROM refunds") == [(2500,)]


@pytest.mark.parametrize("amount", [0, -1, 12.5, "5", True, None])
def test_an_amount_is_a_positive_number_of_cents(desk: Agent, amount: object) -> None:
    [problem] = desk.tools["refund"].validate({"order_id": 1001, "amount_cents": amount, "reason": "x"})
    assert problem.pointer == "/amount_cents"


def test_refunds_that_race_never_exceed_what_was_paid(desk: Agent, shop: Path) -> None:
    """Each in a thread of its own, as the worker runs them; nine of ten find too little left."""
    refund = sys.modules["billing_tools"].refund
    barrier = threading.Barrier(10)
    outcomes: list[str] = []

    def one(place: int) -> None:
        barrier.wait()
        args = {"order_id": 1001, "amount_cents": 2000, "reason": "x"}
        try:
            outcomes.append(refund.invoke(args, {"metadata": {"placet_idempotency_key": str(place)}}))
        except ValueError:
            outcomes.append("too much")

    threads = [threading.Thread(target=one, args=(place,)) for place in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["Refunded 20.00 EUR on order 1001.", *["too much"] * 9]
    assert rows(shop, "SELECT sum(amount_cents) FROM refunds") == [(2000,)]
    assert desk.is_idempotent("refund")


async def test_a_letter_is_a_file_and_a_second_run_writes_no_second_one(desk: Agent, shop: Path) -> None:
    letter = {"to": "ada@example.com", "subject": "Grüße", "body": "Dear Ada,\n\n25.00 €\n"}
    first = await run(desk, "send_email", "k", **letter)
    assert await run(desk, "send_email", "k", **letter) == first
    [path] = letters(shop)
    assert first == f"Sent to ada@example.com as {path.name}."
    read = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert (read["To"], read["Subject"], read.get_content()) == tuple(letter.values())
    await run(desk, "send_email", "other", **letter)
    assert len(letters(shop)) == 2


@pytest.mark.parametrize("field", ["to", "subject"])
async def test_a_line_break_puts_no_further_header_into_a_letter(desk: Agent, shop: Path, field: str) -> None:
    letter = {"to": "ada@example.com", "subject": "x", "body": "x"} | {field: "a@example.com\nBcc: eve@example.com"}
    with pytest.raises(ValueError, match="linefeed"):
        await run(desk, "send_email", "k", **letter)
    assert letters(shop) == []


async def test_a_customer_who_was_deleted_stays_deleted(desk: Agent, shop: Path) -> None:
    await run(desk, "refund", "k", order_id=1003, amount_cents=100, reason="x")
    assert await run(desk, "delete_customer", customer="Charles Babbage") == "Deleted Charles Babbage."
    assert await run(desk, "find_orders", customer="Babbage") == "[]"
    assert rows(shop, "SELECT count(*) FROM refunds") == [(0,)]
    with pytest.raises(ValueError, match="no customer"):
        await run(desk, "delete_customer", customer="Charles Babbage")


async def test_the_shop_lies_in_placets_data_folder(
    desk: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BILLING_SHOP")
    monkeypatch.setenv("PLACET_DATA", str(tmp_path / "data"))
    await run(desk, "find_orders", order_id=1001)
    assert (tmp_path / "data" / "shop" / "shop.db").is_file()


def test_its_policy_lets_it_look_asks_before_it_acts_and_never_deletes(desk: Agent) -> None:
    config = load(EXAMPLE / "placet.yaml")
    effects = {name: judge(config, "billing", None, name, {}, "sha256:x").effect for name in desk.tools}
    assert effects == {"find_orders": "allow", "refund": "ask", "send_email": "ask", "delete_customer": "deny"}


def test_its_tools_import_nothing_of_ours() -> None:
    for name in ("billing_tools.py", "billing_shop.py"):
        assert re.findall(r"^\s*(?:import|from)\s+placet", (EXAMPLE / name).read_text(), re.MULTILINE) == []


REJECTED = "A person rejected this call; it did not run. Do not try the same call again."
EXPIRED = "Nobody decided on this call in time, so it did not run."
EDITED = 'A person changed the arguments before the call ran; it ran with {"amount_cents":500}\n\nRefunded 5.00 EUR'


async def story(desk: Agent, text: str, **instead: str) -> tuple[list[str], str]:
    """Returns the tools that were called, and the last words; a result may be given in a tool's place."""
    messages: list[BaseMessage] = [HumanMessage(text)]
    called: list[str] = []
    while True:
        answer = await desk.bound_model().ainvoke(messages)
        messages.append(answer)
        if not answer.tool_calls:
            return called, answer.text
        messages += [await answered(desk, answer, called, instead)]


async def answered(desk: Agent, answer: AIMessage, called: list[str], instead: dict[str, str]) -> ToolMessage:
    [call] = answer.tool_calls
    tool = call["name"]
    called.append(tool)
    result = instead.get(tool) or await run(desk, tool, str(call["id"]), **call["args"])
    return ToolMessage(result, tool_call_id=str(call["id"]))


ORDER = "Order 1001 arrived broken. Refund it and tell the customer."


async def test_the_story_of_the_demo(desk: Agent, shop: Path) -> None:
    called, said = await story(desk, ORDER)
    assert (called, said) == (
        ["find_orders", "refund", "send_email"],
        "The refund is made and the customer knows.",
    )
    assert rows(shop, "SELECT order_id, amount_cents, reason FROM refunds") == [(1001, 2500, "Arrived broken")]
    assert len(letters(shop)) == 1


@pytest.mark.parametrize(
    ("instead", "tools", "words"),
    [
        ({"refund": REJECTED}, 2, "was not made"),
        ({"refund": EXPIRED}, 2, "Nobody has decided"),
        ({"refund": "refund failed: ValueError: order 1001 has 0.00 EUR left to refund"}, 2, "was not made"),
        ({"refund": f"{EDITED} on order 1001."}, 3, "the customer knows"),
        ({"send_email": REJECTED}, 3, "no e-mail was sent"),
        ({"send_email": "The customer knows already."}, 3, "no e-mail was sent"),
        ({"find_orders": "find_orders failed: OperationalError"}, 1, "could not look"),
    ],
)
async def test_it_tells_the_truth_about_what_people_decide(
    desk: Agent, instead: dict[str, str], tools: int, words: str
) -> None:
    called, said = await story(desk, ORDER, **instead)
    assert len(called) == tools
    assert words in said


async def test_what_was_refunded_before_is_not_asked_for_again(desk: Agent) -> None:
    await story(desk, ORDER)
    called, said = await story(desk, ORDER)
    assert called == ["find_orders"]
    assert "refunded before" in said


async def test_another_order_is_another_refund(desk: Agent, shop: Path) -> None:
    await story(desk, "Order 1002 came late. Refund something.")
    assert rows(shop, "SELECT order_id, amount_cents FROM refunds") == [(1002, 1200)]


async def test_it_may_not_delete_anybody(desk: Agent) -> None:
    told = "Policy does not allow this call; it did not run."
    called, said = await story(desk, "Delete Charles Babbage", delete_customer=told)
    assert (called, said) == (["delete_customer"], "I may not delete customers.")


async def test_it_says_what_it_is_where_it_knows_nothing_to_say(desk: Agent) -> None:
    assert "I am a script" in (await story(desk, "What is the service_status?"))[1]
