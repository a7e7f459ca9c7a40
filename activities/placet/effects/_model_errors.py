"""Which errors of a model are worth another try, and when.

By status, not by class: every provider's client names its classes anew, all of them carry the status.
Without this one bad request would keep a run alive for ever.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from pydantic import ValidationError
from temporalio.exceptions import ApplicationError

_WORTH_ANOTHER_TRY: Final = frozenset({408, 409, 425, 429})
_SPENT: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
"""Codes of providers that answer 429 where nobody pays any more: no wait mends that, a person does."""
_CLIENT_ERRORS: Final = range(400, 500)
_ERRORS: Final = range(400, 600)
_UNKNOWN_ERROR_ATTEMPTS: Final = 5
"""An error without a status may be the network or a bug; this many attempts tell."""
PATIENCE: Final = timedelta(hours=1)
OFTEN: Final = 10
"""An error that has come for so long and so often is the last; the workers may have been down for the time alone."""
_LONGEST_WAIT: Final = timedelta(minutes=10)
"""However long a provider wants to be left alone, a person waits for the run."""

_SECRET: Final = re.compile(r"(?i)\b(?:(?:sk|pk|key|token|bearer)[-_ ]|AIza)[\w*.-]{6,}")
_LONGEST: Final = 500


def activity_error(error: Exception, attempt: int, since: timedelta = timedelta(0)) -> ApplicationError:
    """Returns the error to fail the attempt with; Temporal tries again unless it is final.

    Args:
        error: What the model's client raised.
        attempt: The number of this attempt, from 1.
        since: For how long the model has been wanted.
    """
    status = _status(error)
    if status is None:
        final = attempt >= _UNKNOWN_ERROR_ATTEMPTS
    else:
        final = status in _CLIENT_ERRORS and (status not in _WORTH_ANOTHER_TRY or _is_spent(error))
    final = final or (attempt >= OFTEN and since >= PATIENCE)
    message = f"The model call failed: {type(error).__name__}: {_public(str(error))}"
    return ApplicationError(
        message, type=f"model_{status or 'error'}", non_retryable=final, next_retry_delay=_wait(error)
    )


def unreadable_args(error: Exception) -> str | None:
    """Returns the arguments that made a client choke on a whole answer: JSON, but no object; None of another error."""
    if not isinstance(error, ValidationError):
        return None
    for one in error.errors(include_url=False, include_context=False):
        if "tool_calls" in one["loc"] and one["loc"][-1] == "args":
            return repr(one["input"])[:_LONGEST]
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _status(error: BaseException) -> int | None:
    """Returns the HTTP status that the error or one of its causes carries."""
    for one in _chain(error):
        for holder in (one, getattr(one, "response", None)):
            for name in ("status_code", "code"):
                status: object = getattr(holder, name, None)
                # A provider's error may come with a 200 in front of it: that says nothing.
                if isinstance(status, int) and status in _ERRORS:
                    return status
    return None


def _is_spent(error: BaseException) -> bool:
    """Returns whether the provider says that the account is used up."""
    said: list[object] = [getattr(one, name, None) for one in _chain(error) for name in ("code", "type")]
    return any(isinstance(word, str) and word in _SPENT for word in said)


def _wait(error: BaseException) -> timedelta | None:
    """Returns how long the provider wants to be left alone, where it says so."""
    for one in _chain(error):
        headers: object = getattr(getattr(one, "response", None), "headers", None)
        if not hasattr(headers, "get"):
            continue
        said: object = headers.get("retry-after")  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess, reportUnknownMemberType, reportUnknownVariableType]
        wait = _duration(said) if isinstance(said, str) else None
        if wait is not None:
            return min(wait, _LONGEST_WAIT)
    return None


def _duration(said: str) -> timedelta | None:
    """Returns what a `Retry-After` says: seconds, or a date."""
    wait = None
    with contextlib.suppress(ValueError, OverflowError):
        wait = timedelta(seconds=float(said))
    if wait is None:
        with contextlib.suppress(ValueError, TypeError):
            wait = parsedate_to_datetime(said) - datetime.now(UTC)
    return wait if wait is not None and wait > timedelta(0) else None


def _public(text: str) -> str:
    return _SECRET.sub("[secret]", text)[:_LONGEST]
