"""What a form sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from placet.api.bodies import invalid_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

FIELDS: Final = 20_000
"""Fields of a form, at most."""
_FORM: Final = "application/x-www-form-urlencoded"


class Posted:
    """The fields of a form, each with every value that was sent, in order."""

    def __init__(self, fields: Mapping[str, list[str]]) -> None:
        self.fields = fields

    @classmethod
    def by(cls, request: Request) -> Posted:
        """Returns the form that a request carries.

        Raises:
            ProblemError: `invalid_request`: it is no form, is no text, or has too many fields.
        """
        kind = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
        body: bytes = request.state.body
        if kind != _FORM and body:
            raise invalid_request([{"pointer": "", "message": f"send a form as {_FORM}"}])
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=FIELDS)
        except ValueError as error:
            message = "the form has too many fields, or is not text in UTF-8"
            raise invalid_request([{"pointer": "", "message": message}]) from error
        fields: dict[str, list[str]] = {}
        for name, value in pairs:
            fields.setdefault(name, []).append(value)
        return cls(fields)

    def one(self, name: str) -> str:
        """Returns the last value of a field, or the empty text."""
        return self.fields.get(name, [""])[-1]

    def text(self, name: str) -> str | None:
        """Returns what was typed, its line ends as everybody else writes them; None where nothing was."""
        typed = self.one(name).replace("\r\n", "\n").replace("\r", "\n")
        return typed if typed.strip() else None

    def without(self, pointer: str) -> Posted:
        """Returns the form without the fields of one place of a value and of all below it."""
        kept = {
            name: values
            for name, values in self.fields.items()
            if not f"{name.partition(':')[2]}/".startswith(f"{pointer}/")
        }
        return Posted(kept)

    def all(self, name: str) -> list[str]:
        """Returns every value of a field."""
        return self.fields.get(name, [])
