"""Reads YAML into values, and keeps the line of each.

What YAML 1.1 is known to surprise people with is closed: `no` is a text and not false, `12:30` is no number of
seconds, dates are texts, a key given twice is an error, and so is a tag. Plain scalars are read as YAML 1.2's core
schema reads them.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, cast

import yaml

Location = tuple[str | int, ...]

MOST_NODES: Final = 100_000
"""Values of a file, at most, an alias counted wherever it is used: a few lines of aliases make millions."""

_TAG: Final = "tag:yaml.org,2002:"
_NUMBER_WORDS: Final = {".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf, ".nan": math.nan}
_GLOB_HINT: Final = " (a text that begins with * stands in quotes)"


class Flaw(NamedTuple):
    """Something that is wrong: where, and why."""

    line: int
    location: Location
    reason: str


@dataclass(frozen=True)
class Document:
    """What a file says.

    Attributes:
        value: Texts, numbers, truth values, lists and dicts with texts as keys; None for an empty file.
        lines: The line of each place, from 1; for a member of a mapping that of its key.
        empty: Places that have no value.
        flaws: What could not be read; `value` lacks it.
    """

    value: object = None
    lines: dict[Location, int] = field(default_factory=lambda: {(): 1})
    empty: list[Location] = field(default_factory=list[Location])
    flaws: list[Flaw] = field(default_factory=list[Flaw])

    def line(self, location: Location) -> int:
        """Returns the line of a place, or of the nearest one around it."""
        return next(self.lines[location[:end]] for end in range(len(location), -1, -1) if location[:end] in self.lines)


def read_file(path: Path) -> Document:
    """Returns what a file says; one that cannot be read is a document with a flaw."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return Document(flaws=[Flaw(line, (), f"is not UTF-8: {error.reason}")])
    except OSError as error:
        return Document(flaws=[Flaw(1, (), f"cannot be read: {error.strerror}")])
    return read(text)


def read(text: str) -> Document:
    """Returns what a text says."""
    try:
        root = yaml.compose(text, Loader=_CoreLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        parts = [part for part in (error.context, error.problem) if part]
        hint = _GLOB_HINT if "alias" in " ".join(parts) else ""
        return Document(flaws=[Flaw(mark.line + 1 if mark else 1, (), "not YAML: " + ", ".join(parts) + hint)])
    except yaml.YAMLError as error:
        return Document(flaws=[Flaw(1, (), f"not YAML: {str(error).splitlines()[0]}")])
    except (RecursionError, ValueError, OverflowError) as error:
        return Document(flaws=[Flaw(1, (), f"not YAML that can be read: {type(error).__name__}")])
    return Document() if root is None else _Reading().document(root)


class _CoreLoader(yaml.SafeLoader):
    """Composes nodes whose plain scalars are tagged by YAML 1.2's core schema."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's way


for _kind, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
):
    _CoreLoader.add_implicit_resolver(_TAG + _kind, re.compile(f"(?:{_pattern})$"), _first)  # pyright: ignore[reportUnknownMemberType]


class _TooLargeError(Exception):
    """The file holds more values than any file needs."""


class _Reading:
    """One pass over the nodes of a file."""

    def __init__(self) -> None:
        self._lines: dict[Location, int] = {}
        self._empty: list[Location] = []
        self._flaws: list[Flaw] = []
        self._around: set[int] = set()

    def document(self, root: yaml.Node) -> Document:
        """Returns what the nodes say."""
        try:
            value = self._value(root, ())
        except _TooLargeError:
            return Document(flaws=[Flaw(1, (), f"holds more than {MOST_NODES:,} values")])
        except RecursionError:
            return Document(flaws=[Flaw(1, (), "is nested too deep")])
        return Document(value, {(): 1} | self._lines, self._empty, self._flaws)

    def _value(self, node: yaml.Node, location: Location) -> object:
        self._lines.setdefault(location, _line(node))
        if len(self._lines) > MOST_NODES:
            raise _TooLargeError
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, location)
        if id(node) in self._around:
            self._flaw(node, location, "holds itself")
            return None
        self._around.add(id(node))
        try:
            return self._container(node, location)
        finally:
            self._around.discard(id(node))

    def _container(self, node: yaml.Node, location: Location) -> object:
        if node.tag not in {_TAG + "seq", _TAG + "map"}:
            self._flaw(node, location, f"has a tag, {node.tag}; write the value without it")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, location)
        items = cast("list[yaml.Node]", node.value)
        return [self._value(item, (*location, place)) for place, item in enumerate(items)]

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, object]:
        members: dict[str, object] = {}
        for key_node, value_node in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != _TAG + "str":
                written = f" {key_node.value}" if isinstance(key_node, yaml.ScalarNode) else ""
                self._flaw(key_node, location, f"the key{written} is not a text; put it in quotes")
                continue
            key = cast("str", key_node.value)
            inner = (*location, key)
            if not _is_text(key):
                self._flaw(key_node, location, "a key holds half of a surrogate pair")
                continue
            if key in members:
                self._flaw(key_node, inner, f"is given twice; the first is in line {self._lines[inner]}")
                continue
            self._lines[inner] = _line(key_node)
            members[key] = self._value(value_node, inner)
        return members

    def _scalar(self, node: yaml.ScalarNode, location: Location) -> object:
        text = cast("str", node.value)
        kind = node.tag.removeprefix(_TAG)
        if kind == "str":
            if not _is_text(text):
                self._flaw(node, location, "holds half of a surrogate pair")
            return text
        if kind == "null":
            self._empty.append(location)
            return None
        try:
            return _plain(kind, text)
        except ValueError as error:
            self._flaw(node, location, str(error))
            return None

    def _flaw(self, node: yaml.Node, location: Location, reason: str) -> None:
        self._flaws.append(Flaw(_line(node), location, reason))


def _plain(kind: str, text: str) -> object:
    """Returns a truth value or a number.

    Raises:
        ValueError: It is neither, or has thousands of digits.
    """
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return int(text, 0) if text[:2] in {"0x", "0o"} else int(text)
    if kind == "float":
        word = text.lower()
        return _NUMBER_WORDS[word] if word in _NUMBER_WORDS else float(text)
    message = f"has a tag, {kind}; write the value without it"
    raise ValueError(message)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _line(node: yaml.Node) -> int:
    return cast("int", node.start_mark.line) + 1
