"""Amounts of money: in their currency, and with as many decimals as it has."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, cast

from placet.cards.looks._look import Look, counted
from placet.cards.visible import one_line
from placet.contracts.canonical import canonical_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NO_DECIMALS: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DECIMALS: Final = "BHD IQD JOD KWD LYD OMR TND"
_DECIMALS: Final = {**dict.fromkeys(_NO_DECIMALS.split(), 0), **dict.fromkeys(_THREE_DECIMALS.split(), 3)}
_CODE: Final = re.compile(r"[A-Za-z]{3}")
AMOUNTS: Final = frozenset({"amount", "total", "price", "sum", "value", "fee", "cost", "balance", "limit", "refund"})
"""Names that are an amount of money where a currency stands beside them."""
_SMALL: Final = re.compile(r"(?:.*_)?(?:cents|minor|minor_units)(?:_.*)?", re.IGNORECASE)
_MOST_DIGITS: Final = 24
"""As many as are exact in what follows."""


def money_look(name: str, value: object, args: Mapping[str, Any]) -> Look | None:
    """Returns an amount in its currency; None for what is no amount, or has no currency to tell."""
    if isinstance(value, dict):
        parts = cast("dict[str, Any]", value)
        found = next((key for key in sorted(parts) if key.lower() in AMOUNTS or _SMALL.fullmatch(key)), None)
        return None if found is None or not _currency(parts) else _look(found, parts[found], _currency(parts))
    currency = _currency(args)
    if _SMALL.fullmatch(name):
        return _look(name, value, currency)
    is_amount = name.lower() in AMOUNTS or name.lower().endswith(("_amount", "_total", "_price"))
    return _look(name, value, currency) if is_amount and currency else None


def _look(name: str, value: object, currency: str | None) -> Look | None:
    amount = _amount(value)
    if amount is None:
        return None
    code = (currency or "").upper()
    decimals = _DECIMALS.get(code, 2)
    small = bool(_SMALL.fullmatch(name))
    warnings = list(_about(amount, code, 0 if small else decimals, small=small))
    if small:
        amount = amount.scaleb(-decimals)
    shown = f"{amount:,.{max(decimals, _decimals(amount))}f}"
    fact = f"{shown} {code}".strip() + (f", given in {_parts(decimals)}" if small else "")
    return Look("money", facts=(fact,), warnings=tuple(warnings))


def _about(amount: Decimal, code: str, decimals: int, *, small: bool) -> Iterator[str]:
    has = _decimals(amount)
    if has > decimals:
        of = "the smallest part of money" if small else one_line(code)
        yield f"has {counted(has, 'decimal')}, {of} has {decimals or 'none'}"
    if amount < 0:
        yield "is below zero"


def _decimals(amount: Decimal) -> int:
    return max(-cast("int", amount.as_tuple().exponent), 0)


def _parts(decimals: int) -> str:
    return {0: "whole units", 2: "hundredths", 3: "thousandths"}[decimals]


def _amount(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = value if isinstance(value, str) else canonical_text(value)
    try:
        amount = Decimal(text) if len(text) <= _MOST_DIGITS and text.isascii() else None
    except InvalidOperation:
        return None
    return amount if amount is not None and amount.is_finite() and abs(amount.adjusted()) <= _MOST_DIGITS else None


def _currency(args: Mapping[str, Any]) -> str | None:
    code = args.get("currency") or args.get("currency_code")
    return code if isinstance(code, str) and _CODE.fullmatch(code) and code.isascii() else None
