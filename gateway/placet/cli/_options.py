"""The options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

ApprovalId = Annotated[
    str, typer.Argument(metavar="ID", help="The approval: its id, or the first 4 characters or more.")
]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run: its id, or the first 4 characters or more.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document; words for people go to stderr.")]
NoInput = Annotated[bool, typer.Option("--no-input", help="Never ask: what is missing is an error.")]
Digest = Annotated[
    str | None, typer.Option("--digest", metavar="SHA256", help="The digest that you saw; another one is refused.")
]
Key = Annotated[
    str | None, typer.Option("--idempotency-key", metavar="KEY", help="Repeat what was sent with this key.")
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many at most.")]
Cursor = Annotated[str | None, typer.Option("--cursor", help="Continue a list where it stopped.")]
Timeout = Annotated[
    str | None, typer.Option("--timeout", metavar="DURATION", help="How long to wait at most: 90s, 15m, 12h.")
]
