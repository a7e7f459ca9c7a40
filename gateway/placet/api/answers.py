"""JSON as the gateway answers it: times are RFC 3339 in UTC, and integers keep all their digits."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, cast

from fastapi.responses import JSONResponse
from pydantic import BaseModel


def as_json(value: object) -> Any:  # noqa: ANN401 - any JSON value
    """Returns the value as plain JSON: models as objects, times as text in UTC with `Z`."""
    if isinstance(value, BaseModel):
        return as_json(value.model_dump())
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return {key: as_json(member) for key, member in members.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = cast("list[object]", value)
        return [as_json(item) for item in items]
    return value


class Json(JSONResponse):
    """A JSON answer; the standard library writes integers of any size as they are."""

    def render(self, content: object) -> bytes:
        """Returns the bytes of the answer."""
        return json.dumps(as_json(content), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
            errors="replace"
        )
