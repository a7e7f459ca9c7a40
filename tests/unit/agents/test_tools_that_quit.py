"""A tool that tries to end the process ends nothing but its own call, whoever has put a task around it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

import pytest
from langchain_core.tools import tool

from placet.agents import ToolStoppedError, tool_of
from placet.effects._threads import ToolThreads

pytestmark = pytest.mark.timeout(20)


@tool
async def quits_async() -> str:
    """Quit: LangChain runs this in a task of its own, whose loop such an exception ends."""
    sys.exit(3)


@tool
def quits() -> str:
    """Quit."""
    sys.exit(3)


def quits_plainly() -> None:
    raise KeyboardInterrupt


async def quits_plainly_async() -> None:
    sys.exit(3)


def works() -> str:
    return "it works"


@pytest.fixture
def threads() -> Iterator[ToolThreads]:
    made = ToolThreads(2)
    yield made
    made.close()


@pytest.mark.parametrize("thing", [quits_async, quits, quits_plainly, quits_plainly_async])
async def test_a_tool_that_quits_leaves_the_others_running(threads: ToolThreads, thing: object) -> None:
    slow = asyncio.create_task(threads.run(asyncio.sleep(0.05, "slow")))
    with pytest.raises(ToolStoppedError):
        await threads.run(tool_of(thing).run({}, {}))
    assert await threads.run(tool_of(works).run({}, {})) == "it works"
    assert await slow == "slow"
