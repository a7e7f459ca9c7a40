"""Reads `placet.yaml`, and says everything that is wrong with it at once: file, line, path, reason."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from placet.contracts.config import (
    AgentConfig,
    Config,
    Defaults,
    Location,
    Marks,
    McpServerConfig,
    People,
    PolicyConfig,
    Questions,
    Rule,
    User,
)
from placet.contracts.sign_in import Oidc, SignIn
from placet.engine.errors import EngineError
from placet.engine.policy_texts import flaws_of_policy
from placet.engine.yaml_reader import Document, read, read_file

_SECTIONS: Final[dict[Location, type[BaseModel]]] = {
    (): Config,
    ("agents", "*"): AgentConfig,
    ("agents", "*", "mcp", "*"): McpServerConfig,
    ("policy",): PolicyConfig,
    ("policy", "rules", "*"): Rule,
    ("defaults",): Defaults,
    ("questions",): Questions,
    ("people",): People,
    ("people", "users", "*"): User,
    ("people", "sign_in"): SignIn,
    ("people", "sign_in", "oidc"): Oidc,
}
_REASONS: Final = {
    "missing": "is missing",
    "model_type": "should be a mapping of keys to values",
    "dict_type": "should be a mapping of keys to values",
    "tuple_type": "should be a list",
    "too_short": "is empty: name at least one",
}
_SHOWN: Final = 60


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        line: From 1.
        path: Where in the file, as `policy.rules.0.tool`; empty where it is the whole file.
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
    return Config() if path is None else _config(read_file(path), path)


def parse(text: str, path: Path) -> Config:
    """Returns the configuration in a text; the path is for the problems.

    Raises:
        ConfigError: The text is wrong.
    """
    return _config(read(text), path)


def json_schema() -> dict[str, Any]:
    """Returns the JSON Schema of the file."""
    return Config.model_json_schema() | {"title": "placet.yaml"}


def _config(document: Document, path: Path) -> Config:
    problems = [Problem(path, line, _named(location), reason) for line, location, reason in document.flaws]
    problems += _empty_places(document, path)
    problems += [
        Problem(path, document.line(location), _named(location), reason)
        for location, reason in flaws_of_policy(document.value)
    ]
    told = {problem.path for problem in problems}
    try:
        config = Config.model_validate({} if document.value is None else document.value)
    except ValidationError as error:
        found = (_problem(document, path, one) for one in error.errors() if not _follows(one))
        problems += [problem for problem in found if problem.path not in told]
    else:
        if not problems:
            return config.marked(Marks(str(path), document.lines))
    raise ConfigError(problems)


def _empty_places(document: Document, path: Path) -> Iterator[Problem]:
    """Yields a problem for each key without a value: `people:` alone must not mean "everybody may do everything"."""
    reason = "has no value: write one, or leave it out"
    for location in document.empty:
        if location:
            yield Problem(path, document.line(location), _named(location), reason)


def _general(location: Location) -> Location:
    """Returns a place with `*` for each name or number that is the file's own."""
    named = tuple("*" if isinstance(part, int) else part for part in location)
    for prefix in (("agents",), ("agents", "*", "mcp"), ("people", "users")):
        length = len(prefix)
        if len(named) > length and named[:length] == prefix:
            named = (*prefix, "*", *named[length + 1 :])
    return named


def _problem(document: Document, path: Path, error: ErrorDetails) -> Problem:
    location = tuple(part for part in error["loc"] if part != "[key]")
    return Problem(path, document.line(location), _named(location), _reason(location, error))


def _reason(location: Location, error: ErrorDetails) -> str:
    """Returns why, in our words where pydantic's would not help somebody who writes YAML."""
    kind = error["type"]
    given = str(error["input"])[:_SHOWN]
    if kind in _REASONS:
        return _REASONS[kind]
    if kind == "extra_forbidden":
        return "there is no such key" + _suggestion(location)
    if kind == "string_type" and isinstance(error["input"], bool | int | float):
        return f"{given} is not a text here: put it in quotes"
    if kind == "string_pattern_mismatch":
        return f"{given!r} has not the form {error.get('ctx', {}).get('pattern')}"
    reason = error["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
    return f"{reason}, not {given!r}" if kind == "literal_error" else reason


def _follows(error: ErrorDetails) -> bool:
    """Returns whether an error only says again that the items of a list are wrong."""
    return error["type"] == "too_short" and bool(error["input"])


def _suggestion(location: Location) -> str:
    section = _SECTIONS.get(_general(location)[:-1])
    known = list(section.model_fields) if section else []
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there is: {', '.join(known)}" if known else ""


def _named(location: Location) -> str:
    return ".".join(map(str, location))
