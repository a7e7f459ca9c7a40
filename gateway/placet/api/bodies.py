"""Reading what a client sends, strictly: bounded while it streams, one meaning only, no unknown fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from pydantic import BaseModel, JsonValue, ValidationError

from placet.api.errors import ProblemError
from placet.contracts.canonical import MalformedJsonError, parse_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_core import ErrorDetails
    from starlette.requests import Request

MAX_BODY: Final = 1024 * 1024
"""Bytes of a body, at most."""
DRAINED: Final = 16 * MAX_BODY
"""Bytes that are read and thrown away, at most: a client that is still sending would miss the answer."""
MAX_KEY: Final = 255
"""Characters of an `Idempotency-Key`, at most."""
SHOWN_ERRORS: Final = 20
"""Errors that an answer lists, at most."""

Model = TypeVar("Model", bound=BaseModel)


async def read_bounded(request: Request) -> bytes:
    """Returns the body, never holding more than is taken, whatever Content-Length says.

    Raises:
        ProblemError: `too_large`.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared[:20]) > DRAINED:
        raise _too_large()
    body = bytearray()
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > DRAINED:
            break
        if size <= MAX_BODY:
            body += chunk
    if size > MAX_BODY:
        raise _too_large()
    return bytes(body)


def parse_body(body: bytes, *, may_be_empty: bool = False) -> JsonValue:
    """Returns the JSON value of a body; an empty one is an empty object where it may be.

    Raises:
        ProblemError: `malformed_json`.
    """
    if may_be_empty and not body.strip():
        return {}
    try:
        return parse_json(body)
    except MalformedJsonError as error:
        detail = f"The body cannot be read: {error}."
        raise ProblemError(code="malformed_json", detail=detail) from error


def shaped(model: type[Model], value: JsonValue) -> Model:
    """Returns the body as the endpoint takes it.

    Raises:
        ProblemError: `invalid_request`, with a JSON Pointer for each error.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid_request(field_errors(error.errors(), value)) from error


def field_errors(errors: Sequence[ErrorDetails], value: JsonValue) -> list[dict[str, str]]:
    """Returns Pydantic's errors as JSON Pointers into what was sent."""
    return [{"pointer": _pointer(error, value), "message": _message(error)} for error in errors[:SHOWN_ERRORS]]


def invalid_request(errors: list[dict[str, str]]) -> ProblemError:
    """Returns the problem that lists what is wrong with a body."""
    first = errors[0] if errors else {"pointer": "", "message": "it is empty"}
    where = first["pointer"] or "the body"
    return ProblemError(code="invalid_request", detail=f"{where}: {first['message']}", errors=errors)


def idempotency_key(request: Request) -> str | None:
    """Returns the `Idempotency-Key` that came with a request.

    Raises:
        ProblemError: `invalid_request`: it is blank, too long, or given twice.
    """
    given = request.headers.getlist("idempotency-key")
    if not given:
        return None
    if len(given) > 1 or not given[0].strip() or len(given[0]) > MAX_KEY:
        message = f"send one Idempotency-Key of 1 to {MAX_KEY} characters"
        raise invalid_request([{"pointer": "", "message": message}])
    return given[0]


def _too_large() -> ProblemError:
    return ProblemError(code="too_large", detail=f"The body is larger than {MAX_BODY} bytes.", limit=MAX_BODY)


def _message(error: ErrorDetails) -> str:
    return error["msg"].removeprefix("Value error, ")


def _pointer(error: ErrorDetails, value: object) -> str:
    """Keeps the steps that lead into the value; Pydantic's own names of union members lead nowhere."""
    steps: list[str] = []
    here: Any = value
    for place, step in enumerate(error["loc"]):
        absent = error["type"] == "missing" and place == len(error["loc"]) - 1
        if isinstance(here, dict):
            members = cast("dict[str, Any]", here)
            if step not in members and not absent:
                continue
            here = members.get(str(step))
        elif isinstance(here, list) and isinstance(step, int):
            items = cast("list[Any]", here)
            here = items[step] if step < len(items) else None
        else:
            continue
        steps.append(str(step).replace("~", "~0").replace("/", "~1"))
    return "".join(f"/{step}" for step in steps)
