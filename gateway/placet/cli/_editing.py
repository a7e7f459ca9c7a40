"""New arguments and answers from what is typed: paths and values, an editor, `question=option`."""

from __future__ import annotations

import copy
import itertools
import json
import os
import re
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from placet.cards.visible import one_line
from placet.cli._session import InputError, UsageError
from placet.contracts.canonical import MalformedJsonError, canonical_text, parse_json, parse_object
from placet.contracts.decisions import AnswerBody
from placet.contracts.secrets import StrayMaskError, masked, restored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from placet.cards.view import QuestionRow
    from placet.cli._asking import Person
    from placet.contracts.approvals import Approval

_STEP: Final = re.compile(r'\.?([^.\[\]="]+)|\[(\d{1,9})\]|\.?\["((?:[^"\\]|\\.)*)"\]')
"""One step of a path: `name`, `[0]`, or `["any name"]`."""


def with_settings(args: Mapping[str, Any], settings: Sequence[str]) -> dict[str, JsonValue]:
    """Returns a copy of the arguments with each `path=value` set, in order.

    Raises:
        UsageError: A setting is not `path=value`.
        InputError: A path does not fit the arguments, or a value is JSON that is refused.
    """
    changed = cast("dict[str, JsonValue]", copy.deepcopy(dict(args)))
    for setting in settings:
        path, value = _split(setting)
        _set(changed, path, value, setting)
    return changed


def in_editor(person: Person, approval: Approval) -> dict[str, JsonValue] | None:
    """Returns the arguments as they come out of the person's editor; None when nothing has changed.

    The JSON Schema, where there is one, lies beside the file. A mask stands for each secret; one that is left as it is
    is the secret.
    """
    shown = masked(dict(approval.args), approval.args_schema)
    with tempfile.TemporaryDirectory(prefix="placet-") as folder:
        file = Path(folder) / "arguments.json"
        file.write_text(json.dumps(shown, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        if approval.args_schema is not None:
            schema = json.dumps(approval.args_schema, indent=2)
            (Path(folder) / "arguments.schema.json").write_text(schema, encoding="utf-8")
        while True:
            _open_editor(file)
            try:
                args = restored(parse_object(file.read_bytes()), approval.args, shown)
            except (MalformedJsonError, StrayMaskError) as error:
                wrong = "This is not JSON: " if isinstance(error, MalformedJsonError) else ""
                if not person.agrees(f"{wrong}{one_line(str(error).rstrip('.'))}. Edit again?"):
                    return None
            else:
                return None if canonical_text(args) == canonical_text(approval.args) else args


def answers(questions: Sequence[QuestionRow], choose: Sequence[str], texts: Sequence[str]) -> dict[str, AnswerBody]:
    """Returns the answers that `--choose question=option` and `--text question=text` give.

    Raises:
        UsageError: An entry is not `question=…`.
        InputError: It names no question, or no option of it.
    """
    chosen: dict[str, list[str]] = {}
    said: dict[str, str] = {}
    for entry in choose:
        question, option = _addressed(questions, entry, "--choose")
        chosen.setdefault(question.id, []).append(_option(question, option))
    for entry in texts:
        question, text = _addressed(questions, entry, "--text")
        said[question.id] = text
    return {
        question.id: AnswerBody(options=tuple(chosen.get(question.id, ())), text=said.get(question.id))
        for question in questions
        if question.id in chosen or question.id in said
    }


def _split(setting: str) -> tuple[list[str | int], JsonValue]:
    """Returns the path and the value of `path=value`."""
    steps: list[str | int] = []
    at = 0
    while at < len(setting) and setting[at] != "=":
        found = _STEP.match(setting, at)
        if found is None:
            break
        name, index, any_name = found.groups()
        steps.append(
            int(index) if index is not None else name if name is not None else str(json.loads(f'"{any_name}"'))
        )
        at = found.end()
    if not steps or at >= len(setting) or setting[at] != "=" or isinstance(steps[0], int):
        message = f'--set {setting!r}: write PATH=VALUE, as amount=50, to[0]=a@b.example or ["odd name"]=true.'
        raise UsageError(message)
    return steps, _value(setting[at + 1 :], setting)


def _value(text: str, setting: str) -> JsonValue:
    """Returns JSON where the text is JSON, else the text itself.

    What is JSON by its grammar and yet refused (a key given twice, `1e999`) is not taken for a word.
    """
    try:
        return parse_json(text)
    except MalformedJsonError as error:
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return text
        message = f"--set {setting!r}: {error}."
        raise InputError(message) from error


def _set(args: dict[str, JsonValue], path: Sequence[str | int], value: JsonValue, setting: str) -> None:
    place: object = args
    for step, following in itertools.pairwise([*path, None]):
        empty: JsonValue = [] if isinstance(following, int) else {}
        if isinstance(place, dict) and isinstance(step, str):
            place[step] = value if following is None else place.get(step, empty)
            place = place[step]
        elif (
            isinstance(place, list) and isinstance(step, int) and step <= len(entries := cast("list[JsonValue]", place))
        ):
            entries[step : step + 1] = [value if following is None else next(iter(entries[step:]), empty)]
            place = entries[step]
        else:
            message = f"--set {setting!r}: {step!r} does not fit the arguments there."
            raise InputError(message)


def _open_editor(file: Path) -> None:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        ended = subprocess.run([*shlex.split(editor), str(file)], check=False).returncode
    except OSError as error:
        message = f"The editor {editor!r} cannot be started: {error.strerror}. Set EDITOR, or give --set."
        raise UsageError(message) from error
    if ended != 0:
        message = f"The editor ended with {ended}: nothing was sent."
        raise UsageError(message)


def _addressed(questions: Sequence[QuestionRow], entry: str, flag: str) -> tuple[QuestionRow, str]:
    """Returns the question that an entry begins with; ids may hold `=`, so the longest that fits."""
    fitting = [question for question in questions if entry.startswith(f"{question.id}=")]
    if not fitting:
        known = ", ".join(question.id for question in questions) or "none"
        message = f"{flag} {entry!r}: write QUESTION=…; the questions are {one_line(known)}."
        raise (InputError if "=" in entry else UsageError)(message)
    question = max(fitting, key=lambda one: len(one.id))
    return question, entry[len(question.id) + 1 :]


def _option(question: QuestionRow, named: str) -> str:
    """Returns the id of the option that is named by id or by label."""
    ids = [choice.id for choice in question.choices]
    if named in ids:
        return named
    for choice in question.choices:
        if choice.label.casefold() == named.strip().casefold():
            return choice.id
    offered = "; ".join(f"{choice.id} ({choice.label})" for choice in question.choices) or "none"
    message = f"--choose {question.id}={named}: there is no such option; there are {offered}."
    raise InputError(message)
