"""Durations as people write them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from placet.contracts.durations import LONGEST, Duration, parse_duration


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("12h", timedelta(hours=12)),
        ("3d", timedelta(days=3)),
        ("2w", timedelta(weeks=2)),
        ("1s", timedelta(seconds=1)),
        ("3650d", LONGEST),
        ("521w", timedelta(weeks=521)),
        ("315360000s", LONGEST),
    ],
)
def test_a_number_and_a_unit_are_a_duration(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


def test_never_is_no_duration() -> None:
    assert parse_duration("never") is None


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "3",
            "d",
            "3 d",
            " 3d",
            "3d ",
            "3d\n",
            "+3d",
            "-3d",
            "03d",
            "0s",
            "0d",
            "3D",
            "3y",
            "3ms",
            "1.5h",
            "1e3s",
        ),
        *("3d12h", "P3D", "Never", "NEVER", "never ", "none", "\u0663d", "3\u0501", "1_0d", "1,000s"),
        *("3651d", "522w", "315360001s", "999999999s", "999999999w", "1000000000s", "9" * 5000 + "w"),
    ],
)
def test_another_form_zero_or_more_than_ten_years_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a duration|longer than ten years") as refused:
        parse_duration(text)
    assert "never" in str(refused.value)
    assert len(str(refused.value)) < 150


@given(st.text(max_size=12) | st.from_regex(r"[0-9]{0,12}[smhdwy ]{0,2}", fullmatch=True))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    """Another exception would fail a workflow's task, and a request with 500."""
    try:
        length = parse_duration(text)
    except ValueError:
        return
    assert length is None or timedelta(0) < length <= LONGEST


@given(st.text(max_size=12) | st.from_regex(r"[0-9]{0,12}[smhdw ]{0,2}|never", fullmatch=True))
def test_the_schemas_pattern_lets_through_what_is_a_duration(text: str) -> None:
    """But for the length, which a pattern cannot count."""
    has_the_form = re.fullmatch(TypeAdapter(Duration).json_schema()["pattern"], text) is not None
    assert has_the_form == (problem_of(text) in {None, "longer than ten years"})


def problem_of(text: str) -> str | None:
    try:
        parse_duration(text)
    except ValueError as refused:
        return "longer than ten years" if "longer than ten years" in str(refused) else "not a duration"
    return None


def test_a_field_keeps_the_text_and_refuses_by_name() -> None:
    assert TypeAdapter(Duration).validate_python("3d") == "3d"
    with pytest.raises(ValidationError, match="not a duration"):
        TypeAdapter(Duration).validate_python("soon")
