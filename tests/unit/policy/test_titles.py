"""A headline is ours: the tool, its main argument, and nothing that an agent wrote can act through it."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placet.contracts.approvals import ApprovalBody
from placet.policy import shown, title_of

Args = dict[str, Any]

_plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
_value = st.recursive(_plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@pytest.mark.parametrize(
    ("args", "title"),
    [
        ({}, "t"),
        ({"amount_cents": 2500, "order_id": 1001, "reason": "broken"}, "t: order_id 1001"),
        ({"body": "Dear Ada", "subject": "Hello", "to": "ada@example.com"}, "t: to ada@example.com"),
        ({"to": ["a@x", "b@x", "c@x"]}, "t: to a@x and 2 more"),
        ({"first": "x", "second": "y"}, "t: first x"),
        ({"filter": {"id": 1}, "deep": [[1]], "sure": True, "none": None, "blank": " "}, "t: deep 1"),
        ({"filter": {"id": 1}, "sure": True}, "t"),
        ({"id": 2**70}, "t: id 1180591620717411303424"),
        ({"query": "a\nb\u202ec"}, "t: query a\\u000ab\\u202ec"),
    ],
)
def test_it_names_the_tool_and_its_main_argument(args: Args, title: str) -> None:
    assert title_of("t", args) == title


@given(tool=st.text(), args=st.dictionaries(st.text(), _value))
def test_whatever_an_agent_writes_the_headline_is_short_visible_and_on_one_line(tool: str, args: Args) -> None:
    title = title_of(tool, args)
    assert 1 <= len(title) <= 200
    assert title.isprintable()
    assert not any(unicodedata.category(one) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for one in title)
    ApprovalBody(kind="tool_call", tool="t", title=title)


@pytest.mark.parametrize("text", ["\U000e0041" * 5_000, "\x1b" * 5_000, "a" * 5_000_000, "\ud800" * 100])
def test_a_text_that_grows_when_it_is_escaped_is_cut_after_that(text: str) -> None:
    assert len(shown(text)) == 80
    assert shown(text).endswith("…")
    assert len(title_of(text, {text: text})) <= 200


def test_digits_without_end_do_not_stop_a_headline() -> None:
    assert title_of("t", {"n": 10**10_000}) == "t: n a huge number"


def test_a_tool_without_a_name_has_a_headline() -> None:
    assert title_of("", {}) == "a tool without a name"
