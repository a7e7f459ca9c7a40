"""Real MCP servers: what they offer, what they answer, and what becomes of a call when they die."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from langchain_core.tools import ToolException

from placet.agents.errors import LostAnswerError, ToolChangedError, UnreachedError
from placet.engine.ports import free_port
from placet_testing.mcp_shop import TOKEN, Clerk, Shop, clerk, eventually, is_alive

pytestmark = [
    pytest.mark.timeout(120),
    # The MCP client leaves streams of its own open where a session does not come about.
    pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Exception ignored in. <function MemoryObject"),
]
OTHER = {"description": "Send a parcel.", "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}}}


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Lets what is left open be found in the test that left it, where it is known."""
    yield
    gc.collect()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    folder = tmp_path / "shop"
    folder.mkdir()
    made = Shop(folder)
    yield made
    made.end()


@pytest_asyncio.fixture(params=["stdio", "http", "http without sessions"])
async def shopping(request: pytest.FixtureRequest, shop: Shop, tmp_path: Path) -> AsyncGenerator[Clerk]:
    """An agent with the shop, by each transport."""
    options = ["--stateless"] if request.param == "http without sessions" else []
    said = shop.stdio() if request.param == "stdio" else shop.serve(free_port(), *options)
    async with clerk(tmp_path, {"shop": said}) as made:
        await eventually(lambda: made.problem() is None)
        yield made


@pytest_asyncio.fixture
async def on_stdio(shop: Shop, tmp_path: Path) -> AsyncGenerator[Clerk]:
    async with clerk(tmp_path, {"shop": shop.stdio()}) as made:
        await made.agent.refresh()
        yield made


async def test_tools_are_what_the_server_says_under_its_name(shopping: Clerk) -> None:
    tool = shopping.agent.tools["shop_find_orders"]
    assert tool.description == "Find orders of a customer."
    properties = tool.args_schema["properties"]
    assert properties["state"]["enum"] == ["open", "shipped"]
    assert not tool.validate({"customer": {"name": "Ada"}, "state": "open", "most": None})
    for wrong in (
        {},
        {"customer": {"name": "Ada", "town": "x"}},
        {"customer": {"name": "Ada"}, "state": "lost"},
        {"customer": {"name": "Ada"}, "dry_run": True},
    ):
        assert tool.validate(wrong), wrong
    assert not [name for name in shopping.agent.tools if "bad name" in name], "no provider would take it"


async def test_the_arguments_arrive_as_they_are_and_the_call_is_named(shopping: Clerk, shop: Shop) -> None:
    extra: dict[str, Any] = {"a": None, "many": 2**70, "deep": [{"x": []}], "type": "tool_call", "config": 1}
    assert await shopping.call("shop_send", text="one", extra=extra) == "Sent one."
    (effect,) = shop.effects("one")
    assert effect["extra"] == extra
    assert effect["meta"]["placet/idempotency_key"] == "run/0/0/0"
    assert "placet/approval_id" not in effect["meta"]


async def test_results_are_text_pictures_or_errors(shopping: Clerk) -> None:
    assert await shopping.call("shop_find_orders", customer={"name": "Ada"}, most=3) == "Ada/None/open/3"
    painted: Any = await shopping.call("shop_paint", text="a cat")
    assert [block["type"] for block in painted] == ["text", "image"]
    assert base64.b64decode(painted[1]["base64"]).startswith(b"\x89PNG")
    with pytest.raises(ToolException, match="no luck with it") as caught:
        await shopping.call("shop_fail", text="it")
    assert TOKEN not in str(caught.value)


async def test_calls_run_side_by_side(shopping: Clerk, shop: Shop) -> None:
    waiting = [asyncio.create_task(shopping.call("shop_wait", text=text)) for text in ("a", "b")]
    await asyncio.gather(shop.begun("a"), shop.begun("b"))
    assert await shopping.call("shop_send", text="c") == "Sent c."
    shop.let_go("b")
    shop.let_go("a")
    assert await asyncio.gather(*waiting) == ["Sent a at last.", "Sent b at last."]


async def test_a_server_that_dies_in_a_call_leaves_it_open_whether_it_ran(shopping: Clerk, shop: Shop) -> None:
    waiting = asyncio.create_task(shopping.call("shop_wait", text="a"))
    await shop.begun("a")
    shop.kill()
    with pytest.raises(LostAnswerError, match="whether the call ran is not known"):
        await asyncio.wait_for(waiting, 20)
    assert shop.effects("a") == []


async def test_a_program_that_was_killed_runs_again_for_the_next_call(on_stdio: Clerk, shop: Shop) -> None:
    assert await on_stdio.call("shop_remember", text="a") == "a"
    first = shop.kill()
    # Before its end is noticed, a call that is written to its pipe has no answer.
    with contextlib.suppress(LostAnswerError):
        assert await on_stdio.call("shop_remember", text="b") == "b"
    assert "shop_send" in on_stdio.agent.tools, "what it last told is kept while it is away"
    assert await on_stdio.call("shop_remember", text="c") in {"c", "b c"}
    assert shop.pid != first


async def test_one_program_serves_all_calls_and_ends_with_the_worker(shop: Shop, tmp_path: Path) -> None:
    async with clerk(tmp_path, {"shop": shop.stdio()}) as made:
        await made.agent.refresh()
        assert await made.call("shop_remember", text="a") == "a"
        assert await made.call("shop_remember", text="b") == "a b"
        pid = shop.pid
    assert not is_alive(pid)


async def test_an_http_server_that_starts_again_is_found_again(shop: Shop, tmp_path: Path) -> None:
    port = free_port()
    async with clerk(tmp_path, {"shop": shop.serve(port)}) as made:
        await eventually(lambda: made.problem() is None)
        assert await made.call("shop_remember", text="a") == "a"
        shop.kill()
        with pytest.raises(UnreachedError, match="the call did not run"):
            await made.call("shop_send", text="b")
        assert made.problem()
        shop.serve(port)
        await eventually(lambda: made.problem() is None)
        assert await made.call("shop_send", text="c") == "Sent c."
    assert shop.effects("b") == []
    assert len(shop.effects("c")) == 1


async def test_a_server_whose_sessions_were_forgotten_gets_the_call_once(shop: Shop, tmp_path: Path) -> None:
    port = free_port()
    async with clerk(tmp_path, {"shop": shop.serve(port)}) as made:
        await eventually(lambda: made.problem() is None)
        shop.kill()
        shop.serve(port)
        await eventually(lambda: _listens(port))
        assert await made.call("shop_send", text="a") == "Sent a."
    assert len(shop.effects("a")) == 1


async def test_an_agent_is_there_before_its_server(shop: Shop, tmp_path: Path) -> None:
    port = free_port()
    said = {"url": f"http://127.0.0.1:{port}/mcp"}
    async with clerk(tmp_path, {"shop": said}) as made:
        await made.agent.refresh()
        assert list(made.agent.tools) == []
        assert made.problem()
        assert "shop cannot be reached" in made.agent.why_without("shop_send")
        assert made.agent.why_without("other_send") == "the agent has no such tool any more"
        shop.serve(port)
        await eventually(lambda: "shop_send" in made.agent.tools)
        assert made.problem() is None
        assert made.changes


async def test_a_fresh_look_sees_what_has_changed(shopping: Clerk, shop: Shop) -> None:
    before = shopping.agent.tools["shop_send"]
    shop.says(OTHER)
    await shopping.agent.refresh(max_age=timedelta(minutes=5))
    assert shopping.agent.tools["shop_send"] is before, "what is known is young enough"
    await shopping.agent.refresh("shop_send")
    after = shopping.agent.tools["shop_send"]
    assert (after.description, after.validate({"text": "a", "extra": {}}) != []) == ("Send a parcel.", True)
    assert shopping.agent.tools["shop_find_orders"].description
    with pytest.raises(ToolChangedError, match="did not run"):
        await before.run({"text": "a"}, {})
    assert shop.effects("a") == []
    shop.says(None)
    await shopping.agent.refresh("shop_send")
    assert "shop_send" not in shopping.agent.tools


async def test_a_server_that_says_its_list_has_changed_is_asked_for_it(on_stdio: Clerk, shop: Shop) -> None:
    changes = len(on_stdio.changes)
    shop.says(OTHER)
    assert await on_stdio.call("shop_announce") == "Said."
    await eventually(lambda: on_stdio.agent.tools["shop_send"].description == "Send a parcel.")
    assert len(on_stdio.changes) > changes


async def test_a_program_that_starts_again_with_another_tool_does_not_get_the_call(on_stdio: Clerk, shop: Shop) -> None:
    shown = on_stdio.agent.tools["shop_send"]
    shop.kill()
    shop.says(OTHER)
    with contextlib.suppress(LostAnswerError):
        await on_stdio.call("shop_remember", text="b")
    with pytest.raises(ToolChangedError):
        await shown.run({"text": "a"}, {})
    assert shop.effects("a") == []


async def test_globs_choose_and_names_without_prefix_may_not_collide(tmp_path: Path) -> None:
    shops: dict[str, Shop] = {}
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        shops[name] = Shop(tmp_path / name)
    servers = {
        "one": shops["one"].stdio(prefix=False, tools=["send", "remember", "fail"]),
        "other": shops["other"].stdio(prefix=False, tools=["re*", "paint"]),
    }
    module = f"model_{tmp_path.name.replace('-', '_')}"
    async with clerk(tmp_path, servers, tools=[f"{module}:send"]) as made:
        await made.agent.refresh()
        assert sorted(made.agent.tools) == ["fail", "paint", "send"]
        assert await made.call("send", text="a") == "sent by our own"
        assert [tool["function"]["name"] for tool in made.agent.bound_model().kwargs["tools"]] == list(made.agent.tools)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]


async def test_what_is_no_server_is_no_worse_than_none(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    servers: dict[str, Any] = {
        "missing": {"command": "no-such-program"},
        "quits": {"command": sys.executable, "args": ["-c", "raise SystemExit(3)"]},
        "babbles": {"command": sys.executable, "args": ["-c", "print('hello', flush=True); input()"]},
        "refused": {"url": "http://127.0.0.1:9/mcp", "headers": {"Authorization": "Bearer ${SHOP_TOKEN}"}},
    }
    async with clerk(tmp_path, servers) as made:
        await made.agent.refresh(max_age=timedelta(seconds=30))
        assert "no program no-such-program" in (made.problem("missing") or "")
        assert made.problem("quits")
        assert made.problem("refused")
        assert list(made.agent.tools) == []
    assert TOKEN not in "".join(capfd.readouterr())


async def test_the_time_server_tells_the_time(tmp_path: Path) -> None:
    said = {"command": sys.executable, "args": ["-m", "mcp_server_time", "--local-timezone", "UTC"]}
    async with clerk(tmp_path, {"time": said}) as made:
        await made.agent.refresh()
        assert sorted(made.agent.tools) == ["time_convert_time", "time_get_current_time"]
        told = await made.call("time_get_current_time", timezone="Europe/Vienna")
        assert "Europe/Vienna" in str(told)
        with pytest.raises(ToolException, match="Nowhere"):
            await made.call("time_get_current_time", timezone="Nowhere/Land")


async def test_a_program_that_stands_still_is_looked_at_for_ten_seconds_and_begun_anew(
    on_stdio: Clerk, shop: Shop
) -> None:
    stopped = shop.pid
    os.kill(stopped, signal.SIGSTOP)
    began = time.monotonic()
    await on_stdio.agent.refresh("shop_send")
    assert time.monotonic() - began < 15
    assert "shop_send" in on_stdio.agent.tools
    assert await on_stdio.call("shop_send", text="a") == "Sent a."
    assert shop.pid != stopped
    assert not is_alive(stopped)
    assert len(shop.effects("a")) == 1


async def test_a_call_that_takes_too_long_ends(shop: Shop, tmp_path: Path) -> None:
    async with clerk(tmp_path, {"shop": shop.stdio()}, tool_timeout="2s") as made:
        await made.agent.refresh()
        with pytest.raises(LostAnswerError, match="no answer within"):
            await made.call("shop_wait", text="a")
        assert await made.call("shop_remember", text="b") == "b", "the session goes on"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
