"""A template names what is known of the call; what it shows cannot act, and what is missing stops nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placet.policy import TemplateError, template

CALL: dict[str, Any] = {
    "tool": "refund",
    "agent": "billing",
    "args": {
        "amount": 150.5,
        "order": {"items": [{"id": "A-1"}], "unit price": 2},
        "sure": True,
        "note": None,
        "big": 2**70,
        "evil": "a\nb\x1b[2J\u202e{tool}",
        "long": "x" * 500,
        "blank": " ",
        "0": "zero",
    },
}


def filled(text: str, longest: int = 200, **known: Any) -> str | None:
    return template(text).filled({**CALL, **known}, longest)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Refund {args.amount} by {agent}", "Refund 150.5 by billing"),
        ("{tool}", "refund"),
        ("{args.order.items[0].id}", "A-1"),
        ("{args['order'].items[0][\"id\"]}", "A-1"),
        ("{args.order['unit price']}", "2"),
        ("{args.order}", '{"items": [{"id": "A-1"}], "unit price": 2}'),
        ("{args.sure} {args.note} {args.big}", "true null 1180591620717411303424"),
        ("{{tool}} {{{tool}}}", "{tool} {refund}"),
        ("{args.evil}", "a\\u000ab\\u001b[2J\\u202e{tool}"),
        ("line\nand tab\t", "line\\u000aand tab\\u0009"),
        ("{args.long}", "x" * 79 + "…"),
        ("{args.0}", "zero"),
        ("no braces", "no braces"),
    ],
)
def test_it_is_filled_in(text: str, shown: str) -> None:
    assert filled(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        *("{args.missing}", "{args.order.items[1].id}", "{args.amount.cents}", "{args.order[0]}", "{args.evil[0]}"),
        *("{requester}", "{args.blank}", "{args.order.items.id}", "{args[0]}"),
    ],
)
def test_where_something_is_missing_there_is_no_text(text: str) -> None:
    assert filled(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Refund {args.amount", "has a lone { at character 8; doubled, it stands for itself"),
        ("a } b", "has a lone } at character 3; doubled, it stands for itself"),
        ("{{args.amount}", "has a lone } at character 14; doubled, it stands for itself"),
        ("{arg.amount}", "there is no {arg.amount}: a template is about args, tool, agent, requester"),
        ("{}", "there is no {}: a template is about args, tool, agent, requester"),
        ("{run.id}", "there is no {run.id}: a template is about args, tool, agent, requester"),
        ("{argsx}", "there is no {argsx}: a template is about args, tool, agent, requester"),
        *((text, f"{text} is no place: write {{tool}}, or {{args.order.items[0].id}}") for text in (
            *("{tool.name}", "{args.}", "{args..a}", "{args[}", "{args[x]}", "{args.a b}", "{args .a}", "{args[-1]}"),
            *("{args.amount:>10}", "{args.amount!r}", "{args.a()}"),
        )),
    ],
)  # fmt: skip
def test_what_is_no_template_is_refused(text: str, reason: str) -> None:
    with pytest.raises(TemplateError) as caught:
        template(text)
    assert str(caught.value) == reason


def test_it_reaches_members_of_arguments_and_nothing_of_python() -> None:
    assert filled("{args.__class__}") is None


def test_it_is_cut_as_a_whole() -> None:
    assert filled("{args.long} " * 9, longest=100) == ("x" * 79 + "… " + "x" * 18 + "…")


_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(value=_value, around=st.text(alphabet=st.characters(exclude_characters="{}")))
def test_whatever_an_agent_writes_the_text_is_short_visible_and_on_one_line(value: Any, around: str) -> None:
    text = filled(around + "{args.x}", args={"x": value})
    assert text is None or (text.isprintable() and 1 <= len(text) <= 200)


@given(text=st.text(alphabet="{}ar gs.[]0'\"t\n") | st.text())
def test_every_text_is_a_template_or_is_refused(text: str) -> None:
    try:
        made = template(text)
    except TemplateError:
        return
    assert made.filled(CALL, 200) != ""
