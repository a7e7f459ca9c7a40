"""All commands together: what is wrong with a command line is a document too, where JSON was asked for."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

from typer.core import TyperGroup
from typer.exceptions import TyperException

from placet.cli._output import Output


class Commands(TyperGroup):
    """The commands of `placet`."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - its type is private to Typer
        """Does the command that the line names; where the line makes no sense to Typer, prints that as a document.

        Raises:
            TyperException: The line makes no sense; Typer tells a person.
        """
        # What the line says is read here: the command's own options are not known where they are wrong.
        as_json = "--json" in takewhile(lambda word: word != "--", ctx.args)
        try:
            return super().invoke(ctx)
        except TyperException as error:
            Output(as_json=as_json).document({"title": "Not done", "code": "usage", "detail": error.format_message()})
            raise
