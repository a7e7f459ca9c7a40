"""Reads `placet.yaml`, and says everything that is wrong with it at once: file, line, path, reason."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import ValidationError

from placet.contracts.config import Config
from placet.engine.errors import EngineError

_Location = tuple[int | str, ...]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        line: From 1; 0 where the file cannot be read.
        path: Where in the file, as `policy.rules.0.tool`.
    """

    file: Path
    line: int
    path: str
    reason: str

    def __str__(self) -> str:
        place = f" {self.path}:" if self.path else ""
        return f"{self.file}:{self.line}:{place} {self.reason}"


class ConfigError(EngineError):
    """The configuration is wrong.

    Attributes:
        problems: All of them, in the order of the file.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def load(path: Path | None) -> Config:
    """Returns the configuration in a file; without a file there are no agents, and policy asks.

    Raises:
        ConfigError: The file cannot be read or is wrong.
    """
    if path is None:
        return Config()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Problem(path, 0, "", f"cannot be read: {error}")]) from error
    return parse(text, path)


def parse(text: str, path: Path) -> Config:
    """Returns the configuration in a text; the path is for the problems.

    Raises:
        ConfigError: The text is wrong.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or str(error)
        raise ConfigError([Problem(path, mark.line + 1 if mark else 1, "", reason)]) from error
    lines: dict[_Location, int] = {}
    problems: list[Problem] = []
    value: object = _value(root, (), lines, problems, path) if root is not None else {}
    if problems:
        raise ConfigError(problems)
    try:
        return Config.model_validate(value)
    except ValidationError as error:
        raise ConfigError([_problem(path, lines, one["loc"], one["msg"]) for one in error.errors()]) from error


def json_schema() -> dict[str, Any]:
    """Returns the JSON Schema of the file."""
    return Config.model_json_schema()


def _problem(path: Path, lines: dict[_Location, int], location: _Location, reason: str) -> Problem:
    nearest = next(location[:end] for end in range(len(location), -1, -1) if location[:end] in lines)
    named = ".".join(str(part) for part in location)
    return Problem(path, lines[nearest], named, reason.removeprefix("Value error, "))


def _value(
    node: yaml.Node,
    location: _Location,
    lines: dict[_Location, int],
    problems: list[Problem],
    path: Path,
) -> object:
    """Returns the value of a node and notes the line of each place in it."""
    lines[location] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        items = cast("list[yaml.Node]", node.value)
        return [_value(item, (*location, index), lines, problems, path) for index, item in enumerate(items)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, location, lines, problems, path)
    return cast("object", yaml.SafeLoader("").construct_object(node, deep=True))  # pyright: ignore[reportUnknownMemberType]


def _mapping(
    node: yaml.MappingNode,
    location: _Location,
    lines: dict[_Location, int],
    problems: list[Problem],
    path: Path,
) -> dict[Hashable, object]:
    members: dict[Hashable, object] = {}
    for key_node, value_node in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
        key = _value(key_node, (*location, "?"), lines, problems, path)
        line = key_node.start_mark.line + 1
        if not isinstance(key, str):
            problems.append(Problem(path, line, ".".join(map(str, location)), f"the key {key!r} is not text"))
            continue
        if key in members:
            problems.append(Problem(path, line, ".".join(map(str, (*location, key))), "the key is given twice"))
        members[key] = _value(value_node, (*location, key), lines, problems, path)
        lines[(*location, key)] = line
    return members
