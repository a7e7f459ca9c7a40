"""Which look a value gets: by its schema, else by its name and form."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

from placet.cards.looks._addresses import URL, email_look, url_look
from placet.cards.looks._code import BEGINS_SQL, argv_look, command_look, sql_look
from placet.cards.looks._money import money_look
from placet.cards.looks._texts import diff_look, is_diff, path_look

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from placet.cards.looks._look import Look, LookKind

LONGEST: Final = 100_000
"""Characters of a text that is looked at; a longer one is shown as it is."""
_BY_FORMAT: Final[Mapping[str, LookKind]] = {
    "application/sql": "sql",
    "command": "command",
    "diff": "diff",
    "email": "email",
    "file-path": "path",
    "iri": "url",
    "patch": "diff",
    "path": "path",
    "shell": "command",
    "sql": "sql",
    "text/x-diff": "diff",
    "text/x-shellscript": "command",
    "text/x-sql": "sql",
    "uri": "url",
    "url": "url",
}
"""The `format` or `contentMediaType` of a schema, and the look."""
_COMMANDS: Final = frozenset({"argv", "bash", "cmd", "command", "command_line", "commands", "script", "shell"})
_QUERIES: Final = frozenset({"ddl", "query", "sql", "sql_query", "statement"})
_ADDRESSEES: Final = frozenset(
    {"bcc", "cc", "email", "emails", "from", "mail", "recipient", "recipients", "reply_to", "sender", "to"}
)
_PATHS: Final = re.compile(r"(?:.*_)?(?:path|file|filename|file_name|filepath|dir|directory|folder)", re.IGNORECASE)
_PATH_LIKE: Final = re.compile(r"[^\n]{1,4096}")
_FIRST_WORD: Final = re.compile(r"(?:\s|\(|--[^\n]*\n|/\*(?:[^*]|\*(?!/))*\*/)*([A-Za-z]+)")


def look_at(name: str, value: object, schema: Mapping[str, Any], args: Mapping[str, Any]) -> Look | None:
    """Returns what is known of an argument; None where there is no look for it.

    Args:
        name: Of the argument.
        value: Of the argument.
        schema: What the tool's schema says of it.
        args: All of them: the currency of an amount stands beside it.
    """
    texts = _texts(value)
    if texts is None:
        return money_look(name, value, args)
    if not texts or sum(map(len, texts)) > LONGEST:
        return None
    chosen = _BY_FORMAT.get(str(schema.get("format"))) or _BY_FORMAT.get(str(schema.get("contentMediaType")))
    if isinstance(value, str):
        return _TEXT[chosen](value) if chosen else _guessed(name, value, args)
    if chosen == "email" or (chosen is None and name.lower() in _ADDRESSEES):
        return email_look(texts)
    return argv_look(texts) if chosen == "command" or (chosen is None and name.lower() in _COMMANDS) else None


def _guessed(name: str, text: str, args: Mapping[str, Any]) -> Look | None:
    kind = _kind_of(name, text)
    return _TEXT[kind](text) if kind else money_look(name, text, args)


def _kind_of(name: str, text: str) -> LookKind | None:
    key = name.lower()
    signs: tuple[tuple[LookKind, bool], ...] = (
        ("diff", is_diff(text)),
        ("url", URL.match(text) is not None and " " not in text),
        ("sql", key in _QUERIES and _begins_sql(text)),
        ("command", key in _COMMANDS),
        ("email", key in _ADDRESSEES or key.endswith(("_email", "_mail"))),
        ("path", _PATHS.fullmatch(name) is not None and _PATH_LIKE.fullmatch(text) is not None),
    )
    return next((kind for kind, holds in signs if holds), None)


def _begins_sql(text: str) -> bool:
    first = _FIRST_WORD.match(text)
    return first is not None and first[1].lower() in BEGINS_SQL


def _texts(value: object) -> tuple[str, ...] | None:
    """Returns the texts of a value: its own, or those of a list; None for anything else."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple):
        return None
    entries = cast("list[object]", value)
    return tuple(cast("list[str]", entries)) if all(isinstance(one, str) for one in entries) else None


_TEXT: Final[Mapping[LookKind, Callable[[str], Look | None]]] = {
    "command": command_look,
    "diff": diff_look,
    "email": lambda text: email_look((text,)),
    "path": path_look,
    "sql": sql_look,
    "url": url_look,
}
