"""What a tool gives back becomes text or content blocks, and that never fails: the tool has run."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from placet.agents import tool_of

IMAGE: dict[str, Any] = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
TEXT: dict[str, Any] = {"type": "text", "text": "hello"}


class Order(BaseModel):
    id: int
    total: Decimal


@dataclasses.dataclass
class Customer:
    name: str


class Opaque:
    def __repr__(self) -> str:
        return "an opaque thing"


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


class HostileModel(BaseModel):
    def __getattribute__(self, name: str) -> Any:
        if name == "__pydantic_serializer__":
            raise RuntimeError
        return super().__getattribute__(name)


async def content(result: object) -> object:
    def gives() -> Any:
        return result

    return await tool_of(gives).run({}, {})


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("text", "text"),
        ("", ""),
        (None, "null"),
        (True, "true"),
        (2**70, "1180591620717411303424"),
        (Decimal("19.90"), '"19.90"'),
        (float("nan"), '"NaN"'),
        ([], "[]"),
        (["a", "b"], '["a","b"]'),
        ({"é": [1, None]}, '{"é":[1,null]}'),
        ([Order(id=1, total=Decimal("2.50"))], '[{"id":1,"total":"2.50"}]'),
        (Customer("Ada"), '{"name":"Ada"}'),
        (datetime(2026, 3, 1, tzinfo=UTC), '"2026-03-01T00:00:00Z"'),
        ({"x": Opaque()}, '{"x":"an opaque thing"}'),
        ([{"type": "file", "name": "a.txt"}], '[{"type":"file","name":"a.txt"}]'),
        ([{"type": ["text"], "text": "a"}], '[{"type":["text"],"text":"a"}]'),
        ("half \ud800", "half \\ud800"),
        (["half \ud800"], "['half \\ud800']"),
    ],
)
async def test_a_result_becomes_text(result: object, text: str) -> None:
    assert await content(result) == text


@pytest.mark.parametrize("blocks", [[TEXT], [TEXT, IMAGE], ["look:", IMAGE]])
async def test_content_blocks_stay_content_blocks(blocks: list[object]) -> None:
    assert await content(blocks) == blocks


async def test_a_block_among_other_things_is_no_content() -> None:
    assert await content([TEXT, {"id": 1}]) == '[{"type":"text","text":"hello"},{"id":1}]'


async def test_a_result_that_holds_itself_is_told_somehow() -> None:
    ring: list[object] = []
    ring.append(ring)
    assert await content(ring) == "[[...]]"


async def test_a_result_that_cannot_be_looked_at_does_not_look_like_a_failure() -> None:
    assert await content(Hostile()) == "a Hostile that cannot be shown"
    assert isinstance(await content(HostileModel()), str)


@given(result=st.recursive(st.none() | st.floats() | st.integers() | st.text() | st.binary(), st.lists, max_leaves=5))
async def test_whatever_comes_back_can_be_stored(result: object) -> None:
    told = await content(result)
    assert isinstance(told, str)
    told.encode()
