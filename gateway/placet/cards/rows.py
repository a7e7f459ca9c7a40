"""Arguments as rows: each under its name, all of its value, and what is known of that kind of value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from placet.cards.drawing import Line, as_lines, in_quotes, plain, written
from placet.cards.looks import LABELS, look_at
from placet.cards.visible import hidden_characters, lines, mixed_words, mixture, quoted
from placet.contracts.canonical import canonical_text
from placet.contracts.secrets import Masked, masked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from placet.cards.looks import Look

ValueKind = Literal["text", "number", "boolean", "null", "list", "object"]

COLLAPSED_AT: Final = 2_000
"""Characters of a value that are shown before the rest must be asked for."""
NO_FORMATTER: Final = "No formatter: shown as JSON."
NOT_SHOWN: Final = "The tool's schema says that it is a secret. What runs, and the digest, are of its value."
_ONE_LINE: Final = 80
_PLAIN_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


@dataclass(frozen=True)
class Row:
    """One argument.

    Attributes:
        name: Safe to print; in quotation marks where it is not a plain name.
        value: All of it, one or several lines, safe to print.
        shown: The beginning of it, as much as is shown at once.
        pieces: `shown` once more, in pieces of which some are marked.
        hidden: How many characters of the argument `shown` leaves out.
        warnings: What a reader could miss.
        look: What kind of value it was taken for, as a person reads it; empty where it was taken for none.
        facts: What can be read off such a value.
    """

    name: str
    kind: ValueKind
    value: tuple[str, ...]
    shown: tuple[str, ...]
    pieces: tuple[Line, ...]
    hidden: int
    warnings: tuple[str, ...]
    look: str = ""
    facts: tuple[str, ...] = ()

    @property
    def brief(self) -> str:
        """The value on one line, for a list: of a text the first line and whether it goes on, all else as a whole."""
        if self.kind in {"list", "object"}:
            return " ".join(line.strip() for line in self.value)
        return self.value[0] if len(self.value) == 1 else f"{self.value[0]} …"

    @property
    def unformatted(self) -> bool:
        """Whether it has parts, and nobody here knows what they mean."""
        return not self.look and self.kind in {"list", "object"}


def rows(
    args: Mapping[str, Any], schema: Mapping[str, Any] | None = None, *, limit: int | None = COLLAPSED_AT
) -> tuple[Row, ...]:
    """Returns one row for each argument, in canonical order.

    Args:
        args: By name.
        schema: Of the arguments, where there is one: its `format` says how a value is read.
        limit: Characters of each value to show at once; None shows all.
    """
    properties = (schema or {}).get("properties")
    known = cast("dict[str, Any]", properties) if isinstance(properties, dict) else {}
    shown = masked(dict(args), schema)
    return tuple(_row(name, shown[name], _look(name, shown, known.get(name)), limit) for name in sorted(args))


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any], schema: Mapping[str, Any] | None = None
) -> tuple[tuple[str, str, str], ...]:
    """Returns name, value before and after of each argument that differs; safe to print, `not set` where absent.

    Args:
        before: Arguments by name.
        after: Others.
        schema: Of both, where there is one: secrets are compared, and masked.
    """
    names = sorted({*before, *after})
    old, new = masked(dict(before), schema), masked(dict(after), schema)
    return tuple(
        (name_of(name), _brief(old, name), _brief(new, name))
        for name in names
        if name not in before or name not in after or canonical_text(before[name]) != canonical_text(after[name])
    )


def name_of(name: str) -> str:
    """Returns a name, in quotation marks where it is not a plain one."""
    return name if name and _PLAIN_NAME.issuperset(name) else quoted(name)


def _look(name: str, args: Mapping[str, Any], schema: object) -> Look | None:
    if isinstance(args[name], Masked):
        return None
    return look_at(name, args[name], cast("dict[str, Any]", schema) if isinstance(schema, dict) else {}, args)


def _row(name: str, value: object, look: Look | None, limit: int | None) -> Row:
    whole = _written(value)
    text = value if isinstance(value, str) else "\n".join(whole)
    cut = len(text) if limit is None else limit
    pieces = _drawn(value, text[:cut], look)
    return Row(
        name=name_of(name),
        kind=_kind(value),
        value=whole,
        shown=written(pieces),
        pieces=pieces,
        hidden=max(len(text) - cut, 0),
        warnings=(*_warnings(name, value), *(look.warnings if look else ())),
        look=LABELS[look.kind] if look else "",
        facts=(NOT_SHOWN,) if isinstance(value, Masked) else look.facts if look else (),
    )


def _drawn(value: object, text: str, look: Look | None) -> tuple[Line, ...]:
    """Returns the beginning of a value in pieces; `text` is as much of it as is shown."""
    if not isinstance(value, str) or isinstance(value, Masked):
        return plain(text.split("\n"))
    marks = look.marks if look else ()
    return as_lines(text, marks) if "\n" in text else in_quotes(text, marks)


def _brief(args: Mapping[str, Any], name: str) -> str:
    return _inline(args[name]) if name in args else "not set"


def _kind(value: object) -> ValueKind:
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, list | tuple):
        return "list"
    return "null" if value is None else "object"


def _written(value: object) -> tuple[str, ...]:
    """Returns a value's lines: text that has several as it stands, all else as JSON."""
    if isinstance(value, str) and "\n" in value:
        return lines(value)
    short = _inline(value)
    if len(short) <= _ONE_LINE or not isinstance(value, list | tuple | dict):
        return (short,)
    return tuple(_spread(cast("object", value), "", ""))


def _inline(value: object) -> str:
    if isinstance(value, Masked):
        return str(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return "{" + ", ".join(f"{quoted(key)}: {_inline(members[key])}" for key in sorted(members)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_inline, cast("list[object]", value))) + "]"
    return canonical_text(cast("Any", value))


def _spread(value: object, before: str, after: str) -> Iterator[str]:
    """Yields a container's lines, a member each, down to what fits on a line."""
    short = _inline(value)
    if len(before) + len(short) <= _ONE_LINE or not isinstance(value, list | tuple | dict):
        yield f"{before}{short}{after}"
        return
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        entries = [(f"{quoted(key)}: ", members[key]) for key in sorted(members)]
    else:
        entries = [("", entry) for entry in cast("list[object]", value)]
    indent = before[: len(before) - len(before.lstrip(" "))]
    yield before + ("{" if isinstance(value, dict) else "[")
    for place, (label, entry) in enumerate(entries, 1):
        yield from _spread(entry, f"{indent}  {label}", "," if place < len(entries) else "")
    yield indent + ("}" if isinstance(value, dict) else "]") + after


def _warnings(name: str, value: object) -> Iterator[str]:
    texts = [name, *_texts(value)]
    hidden = sum(map(hidden_characters, texts))
    if hidden:
        yield f"contains {hidden} hidden character{'' if hidden == 1 else 's'}"
    mixed = [word for text in texts for word in mixed_words(text)]
    if mixed:
        yield f"mixes alphabets: {mixture(mixed[0])}"


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, entry in cast("dict[str, object]", value).items():
            yield key
            yield from _texts(entry)
    elif isinstance(value, list | tuple):
        for entry in cast("list[object]", value):
            yield from _texts(entry)
