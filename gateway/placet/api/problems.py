"""Problem documents (RFC 9457): every answer that is a "no", and its declaration in OpenAPI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from placet.api.answers import as_json
from placet.contracts.errors import CODES, Code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

    from placet.contracts.errors import Refusal

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER: Final = {"unavailable": "2", "slow_down": "5"}
"""Seconds after which another try makes sense."""
METHOD_NOT_ALLOWED: Final = "method_not_allowed"
INTERNAL_ERROR: Final = "internal_error"


class FieldError(BaseModel):
    """One thing that is wrong with a body or a query."""

    pointer: str = Field(description="JSON Pointer (RFC 6901) into the body, or the name of the query parameter")
    message: str


class Problem(BaseModel):
    """A problem document; what else the code names stands beside these members."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="`urn:placet:error:` and the code")
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldError] | None = None


class ProblemAnswer(JSONResponse):
    """A response that carries a problem document, and tells who watches the request its code."""

    media_type = MEDIA_TYPE

    def __init__(self, body: dict[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__(body, body["status"], headers)
        self._code = body["code"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers."""
        scope.setdefault("state", {})["code"] = self._code
        await super().__call__(scope, receive, send)


def problem_body(code: Code, detail: str, named: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Returns the problem document of a code."""
    meaning = CODES[code]
    return document(code, meaning.status, meaning.title, detail, named)


def document(code: str, status: int, title: str, detail: str, named: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Returns a problem document; its own members win over what the code names."""
    return {
        **as_json(named or {}),
        "type": f"urn:placet:error:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
    }


def problem_of(refusal: Refusal) -> dict[str, Any]:
    """Returns the problem document of a refusal."""
    return problem_body(refusal.code, refusal.message, refusal.details)


def answer_problem(body: dict[str, Any], headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Returns the response that carries a problem document."""
    after = RETRY_AFTER.get(body["code"])
    extra = {"Retry-After": after} if after else {}
    if body["code"] == "unauthenticated":
        extra["WWW-Authenticate"] = "Bearer"
    return ProblemAnswer(body, {**extra, **(headers or {})})


def refuses(*codes: Code) -> dict[int | str, dict[str, Any]]:
    """Returns OpenAPI's declaration of the answers that an endpoint may refuse with, one entry a status."""
    by_status: dict[int, list[Code]] = {}
    for code in codes:
        by_status.setdefault(CODES[code].status, []).append(code)
    return {status: _declared(names) for status, names in sorted(by_status.items())}


def _declared(codes: list[Code]) -> dict[str, Any]:
    schema = {
        "allOf": [{"$ref": "#/components/schemas/Problem"}],
        "properties": {"code": {"type": "string", "enum": sorted(codes)}},
    }
    meanings = "; ".join(f"`{code}`: {CODES[code].title}" for code in sorted(codes))
    return {"description": meanings, "content": {MEDIA_TYPE: {"schema": schema}}}
