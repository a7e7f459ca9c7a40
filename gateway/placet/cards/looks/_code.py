"""Commands and SQL: what they begin, and what a glance could miss. Read as words, never understood as a program."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from placet.cards.drawing import Mark
from placet.cards.looks._look import Look, counted
from placet.cards.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from placet.cards.drawing import Sort

_SQL: Final = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))"
    r"|(?P<string>'(?:[^']|'')*(?:'|\Z)|\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z))"
    r"|(?P<name>\"[^\"]*(?:\"|\Z)|`[^`]*(?:`|\Z))"
    r"|(?P<word>[^\W\d]\w*)|(?P<end>;)",
    re.DOTALL,
)
BEGINS_SQL: Final = frozenset(
    word
    for line in (
        "select insert update delete merge with create alter drop truncate grant revoke replace upsert call exec",
        "execute explain copy begin vacuum set show pragma attach",
    )
    for word in line.split()
)
"""The words that a statement begins with."""
_CHANGES: Final = BEGINS_SQL - {"select", "with", "explain", "begin", "set", "show", "pragma"} | {"into"}
_NEEDS_WHERE: Final = frozenset({"update", "delete"})

_COMMAND: Final = re.compile(
    r"(?P<comment>(?<![^\s;|&()])#[^\n]*)|(?P<string>'[^']*(?:'|\Z)|\"(?:\\.|[^\"\\])*(?:\"|\Z))|(?P<escaped>\\.)"
    r"|(?P<operator>&&|\|\||\$\(|[;|&<>`()]|\n)|(?P<word>(?:\\.|[^\s'\"\\;|&<>`()$]|\$(?!\())+)",
    re.DOTALL,
)
_STARTS: Final = frozenset({"&&", "||", "$(", ";", "|", "&", "`", "(", "\n"})
"""The operators after which another program begins."""
_KEYWORDS: Final = frozenset(
    {"if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "{", "}", "!"}
)
_SET: Final = re.compile(r"\w+=.*", re.DOTALL)
_MOST_NAMED: Final = 5


@dataclass
class _Statement:
    words: list[str] = field(default_factory=list[str])


def sql_look(text: str) -> Look:
    """Returns what SQL begins and changes, by its words."""
    marks: list[Mark] = []
    statements = [_Statement()]
    has_comment = False
    for token in _SQL.finditer(text):
        word = (token["word"] or "").lower()
        if token["end"]:
            statements.append(_Statement())
        elif token["comment"]:
            has_comment = True
            marks.append(Mark(*token.span(), "comment"))
        elif token["string"]:
            marks.append(Mark(*token.span(), "string"))
        elif word:
            statements[-1].words.append(word)
            if word in BEGINS_SQL or word in {"from", "where", "values", "into", "set", "join"}:
                marks.append(Mark(*token.span(), "word"))
    said = [statement for statement in statements if statement.words]
    warnings = [*_about_statements(said)]
    if has_comment:
        warnings.append("has a comment")
    if "\\'" in text:
        warnings.append("has a backslash before a quotation mark: databases differ on where the text ends")
    return Look("sql", tuple(marks), tuple(_statement_facts(said)), tuple(warnings))


def _statement_facts(statements: Sequence[_Statement]) -> Iterator[str]:
    begins = _begins_of(statements)
    if len(statements) == 1:
        yield f"1 statement: {begins}"
    elif not statements:
        yield "no statement"
    changing = dict.fromkeys(word.upper() for one in statements for word in one.words[1:] if word in _CHANGES)
    if changing:
        yield f"words that change something: {', '.join(changing)}"


def _begins_of(statements: Sequence[_Statement]) -> str:
    first = ", ".join(one_line(statement.words[0].upper()) for statement in statements[:_MOST_NAMED])
    return first + (f" and {len(statements) - _MOST_NAMED} more" if len(statements) > _MOST_NAMED else "")


def _about_statements(statements: Sequence[_Statement]) -> Iterator[str]:
    if len(statements) > 1:
        yield f"{counted(len(statements), 'statement')}: {_begins_of(statements)}"
    for statement in statements:
        without = _NEEDS_WHERE & set(statement.words)
        if without and statement.words[0] in _NEEDS_WHERE and "where" not in statement.words:
            yield f"{statement.words[0].upper()} without WHERE"


def command_look(text: str) -> Look:
    """Returns which programs a line for a shell begins, by its words."""
    marks: list[Mark] = []
    programs: list[str] = []
    operators: list[str] = []
    starts = True
    for token in _COMMAND.finditer(text):
        operator, word = token["operator"], token["word"] or token["string"] or token["escaped"] or ""
        if token["comment"]:
            marks.append(Mark(*token.span(), "comment"))
            continue
        if operator:
            operators.append(operator)
            starts = starts or operator in _STARTS
            if operator != "\n":
                marks.append(Mark(*token.span(), "operator"))
            continue
        sort: Sort = "string" if token["string"] else ""
        if word.startswith('"') and ("$(" in word or "`" in word):
            operators.append("$(")
        if starts and not _SET.fullmatch(word) and word not in _KEYWORDS:
            programs.append(word)
            starts, sort = False, "word"
        if sort:
            marks.append(Mark(*token.span(), sort))
    warnings = [*_about_command(programs, operators)]
    facts = (f"begins {_named(programs)}",) if len(programs) < 2 else ()  # noqa: PLR2004 - more are a warning
    return Look("command", tuple(marks), facts, tuple(warnings))


def argv_look(words: Sequence[str]) -> Look:
    """Returns which program a list of words begins."""
    program = one_line(words[0]) if words else ""
    return Look("command", facts=(f"begins {program} with {counted(max(len(words) - 1, 0), 'argument')}",))


def _named(programs: Sequence[str]) -> str:
    named = ", ".join(map(one_line, programs[:_MOST_NAMED]))
    more = f" and {len(programs) - _MOST_NAMED} more" if len(programs) > _MOST_NAMED else ""
    return f"{named}{more}" if programs else "nothing"


def _about_command(programs: Sequence[str], operators: Sequence[str]) -> Iterator[str]:
    if len(programs) > 1:
        yield f"begins {counted(len(programs), 'program')}: {_named(programs)}"
    if {"$(", "`"} & set(operators):
        yield "runs a command to make a part of another"
    if {">", "<"} & set(operators):
        yield "reads or writes files by < or >"
    if "sudo" in programs:
        yield "asks for the rights of another user"
