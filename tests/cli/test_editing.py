"""Paths and values of `edit --set`."""

from __future__ import annotations

from typing import Any

import pytest

from placet.cli._editing import with_settings
from placet.cli._session import InputError, UsageError

ARGS: dict[str, Any] = {"amount": 50, "to": ["a"], "meta": {"x.y": 1, "list": [{"k": 1}]}, "none": None}


@pytest.mark.parametrize(
    ("setting", "path", "value"),
    [
        ("amount=12", ("amount",), 12),
        ("amount=18446744073709551617", ("amount",), 18446744073709551617),
        ("amount=1.50", ("amount",), 1.5),
        ("amount=null", ("amount",), None),
        ("amount=true", ("amount",), True),
        ('amount="12"', ("amount",), "12"),
        ("amount=twelve", ("amount",), "twelve"),
        ("amount=", ("amount",), ""),
        ("amount=007", ("amount",), "007"),
        ("amount=2026-07-01", ("amount",), "2026-07-01"),
        ("amount=[urgent] hello", ("amount",), "[urgent] hello"),
        ("amount=a=b", ("amount",), "a=b"),
        ('amount={"a": [1]}', ("amount",), {"a": [1]}),
        ("to[0]=b", ("to", 0), "b"),
        ("to[1]=b", ("to", 1), "b"),
        ("meta.list[0].k=2", ("meta", "list", 0, "k"), 2),
        ("meta.new.deep=2", ("meta", "new", "deep"), 2),
        ("new[0].k=2", ("new", 0, "k"), 2),
        ('meta["x.y"]=2', ("meta", "x.y"), 2),
        ('["odd = name"]=2', ("odd = name",), 2),
        ("new-name=2", ("new-name",), 2),
    ],
)
def test_a_setting_sets_one_value(setting: str, path: tuple[str | int, ...], value: object) -> None:
    changed: Any = with_settings(ARGS, [setting])
    for step in path:
        changed = changed[step]
    assert changed == value
    assert type(changed) is type(value)


def test_the_arguments_themselves_stay() -> None:
    before = repr(ARGS)
    with_settings(ARGS, ["to[0]=x", "meta.list[0].k=9"])
    assert repr(ARGS) == before


def test_settings_apply_in_order() -> None:
    assert with_settings(ARGS, ["to=[]", "to[0]=x", "to[1]=y"])["to"] == ["x", "y"]


@pytest.mark.parametrize(
    "setting", ["", "amount", "=1", "[0]=1", "a..b=1", "a[x]=1", "a[=1", ".=1", "to[]=1", 'a["x]=1']
)
def test_what_is_no_path_and_value_is_a_usage_error(setting: str) -> None:
    with pytest.raises(UsageError):
        with_settings(ARGS, [setting])


@pytest.mark.parametrize("setting", ["to[2]=1", "to.x=1", "amount[0]=1", "amount.x=1", "none.x=1"])
def test_a_path_that_does_not_fit_is_invalid(setting: str) -> None:
    with pytest.raises(InputError):
        with_settings(ARGS, [setting])


@pytest.mark.parametrize("value", ["1e999", '{"a":1,"a":2}', "NaN", '"\\ud800"', "[" * 101 + "]" * 101, "9" * 1001])
def test_json_that_is_refused_is_not_taken_for_a_word(value: str) -> None:
    with pytest.raises(InputError):
        with_settings(ARGS, [f"amount={value}"])
