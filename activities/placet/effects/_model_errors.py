"""Which errors of a model are worth another try.

By status, not by class: every provider's client names its classes anew, all of them carry the status.
Without this one bad request would keep a run alive for ever.
"""

from __future__ import annotations

import re
from typing import Final

from temporalio.exceptions import ApplicationError

_WORTH_ANOTHER_TRY: Final = frozenset({408, 409, 425, 429})
_CLIENT_ERRORS: Final = range(400, 500)
_UNKNOWN_ERROR_ATTEMPTS: Final = 5
"""An error without a status may be the network or a bug; this many attempts tell."""

_SECRET: Final = re.compile(r"(?i)\b(?:sk|pk|key|token|bearer)[-_ ][\w*.-]{6,}")
_LONGEST: Final = 500


def activity_error(error: Exception, attempt: int) -> ApplicationError:
    """Returns the error to fail the attempt with; Temporal tries again unless it is final.

    Args:
        error: What the model's client raised.
        attempt: The number of this attempt, from 1.
    """
    status = _status(error)
    if status is None:
        final = attempt >= _UNKNOWN_ERROR_ATTEMPTS
    else:
        final = status in _CLIENT_ERRORS and status not in _WORTH_ANOTHER_TRY
    message = f"The model call failed: {type(error).__name__}: {_public(str(error))}"
    return ApplicationError(message, type=f"model_{status or 'error'}", non_retryable=final)


def _status(error: BaseException | None) -> int | None:
    """Returns the HTTP status that the error or one of its causes carries."""
    while error is not None:
        for holder in (error, getattr(error, "response", None)):
            status: object = getattr(holder, "status_code", None)
            if isinstance(status, int):
                return status
        error = error.__cause__
    return None


def _public(text: str) -> str:
    return _SECRET.sub("[secret]", text)[:_LONGEST]
