"""`placet schema`: what an editor checks a placet.yaml with."""

from __future__ import annotations

import json

import typer

from placet.cli._options import AsJson
from placet.cli._output import Output


def schema(*, as_json: AsJson = False) -> None:
    """Print the JSON Schema of placet.yaml."""
    from placet.engine.config_file import json_schema  # noqa: PLC0415

    document = json_schema()
    if as_json:
        Output(as_json=True).document({"schema": document})
    else:
        typer.echo(json.dumps(document, indent=2))


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(schema)
