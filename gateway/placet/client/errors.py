"""Every way in which the client says no, one class a situation.

PlacetError
├── UnreachableError                 no answer came
├── UnexpectedAnswerError            an answer came that is not one of this API
└── ProblemError                     the gateway refused: problem+json with a code
    ├── AccessError                  UnauthenticatedError, NotAllowedError, NotAnApproverError,
    │                                SelfApprovalError, DecisionNotAllowedError
    ├── MissingError                 NotFoundError, UnknownAgentError
    ├── ConflictError                StaleDigestError, ThreadBusyError, RunEndedError
    │   └── EndedError               AlreadyDecidedError, ApprovalExpiredError, ApprovalCancelledError,
    │                                ApprovalSupersededError: each with the approval as it is now
    ├── InvalidError                 MalformedBodyError, TooLargeError, InvalidRequestError, InvalidDecisionError,
    │                                InvalidArgsError, InvalidQueryError, IdempotencyKeyReusedError
    ├── EditDeniedError              policy denies the edited call
    └── BusyError                    SlowDownError, UnavailableError: the same may be tried again
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from placet.contracts.approvals import Approval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placet.contracts.errors import Code


class PlacetError(Exception):
    """Something that was asked of Placet did not happen, or nobody knows whether it did."""


class UnreachableError(PlacetError):
    """No answer came: the gateway is down, or the network between is.

    Attributes:
        url: The address of the gateway.
        maybe_sent: The request may have arrived; repeat it with the same key and it counts once.
        idempotency_key: The key it was sent with, where it had one.
    """

    def __init__(self, url: str, reason: str, *, maybe_sent: bool, idempotency_key: str | None = None) -> None:
        super().__init__(f"{url} does not answer: {reason}.")
        self.url = url
        self.maybe_sent = maybe_sent
        self.idempotency_key = idempotency_key


class UnexpectedAnswerError(PlacetError):
    """What answered does not speak this API: another service, a proxy, or another version.

    Attributes:
        status: The HTTP status.
    """

    def __init__(self, url: str, status: int, reason: str) -> None:
        super().__init__(f"{url} answered {status}, but not as Placet does: {reason}")
        self.status = status


class Problem(BaseModel):
    """The body of a refusal (RFC 9457); what the code names comes as further fields."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str = "about:blank"
    title: str = ""
    status: int
    detail: str | None = None
    code: str

    @property
    def named(self) -> Mapping[str, Any]:
        """The fields that this code adds."""
        return self.model_extra or {}


class ProblemError(PlacetError):
    """The gateway refused; nothing has changed.

    Attributes:
        problem: The answer, whole.
        request_id: Names the request in the gateway's logs.
    """

    def __init__(self, problem: Problem, request_id: str | None = None) -> None:
        super().__init__(problem.detail or problem.title or problem.code)
        self.problem = problem
        self.request_id = request_id

    @property
    def code(self) -> str:
        """The stable code of contract "Error codes"."""
        return self.problem.code

    @property
    def errors(self) -> tuple[tuple[str, str], ...]:
        """What is wrong where: JSON pointer and message of each, where the code names them."""
        given: object = self.problem.named.get("errors")
        entries = cast("list[object]", given) if isinstance(given, list) else []
        found = [cast("dict[str, object]", entry) for entry in entries if isinstance(entry, dict)]
        return tuple((str(entry.get("pointer", "")), str(entry.get("message", ""))) for entry in found)


class AccessError(ProblemError):
    """Not signed in, or not allowed."""


class UnauthenticatedError(AccessError):
    """No valid key was sent."""


class NotAllowedError(AccessError):
    """The roles do not allow it."""


class NotAnApproverError(AccessError):
    """The person is not one of the approvers."""


class SelfApprovalError(AccessError):
    """The person started the run and may not decide on its calls."""


class DecisionNotAllowedError(AccessError):
    """This type of decision is not allowed here; the problem names the allowed ones."""


class MissingError(ProblemError):
    """There is no such thing, or it may not be seen."""


class NotFoundError(MissingError):
    """There is no such approval or run, or it may not be seen."""


class UnknownAgentError(MissingError):
    """There is no agent of that name."""


class ConflictError(ProblemError):
    """Things are not, or are no longer, as the request supposes."""


class StaleDigestError(ConflictError):
    """The digest is not that of the call that would run."""


class ThreadBusyError(ConflictError):
    """The thread has a run that has not ended."""


class RunEndedError(ConflictError):
    """The run has ended."""


class EndedError(ConflictError):
    """The approval ended before; the decision did not count."""

    @property
    def approval(self) -> Approval | None:
        """The approval as it is now, so with the winner."""
        try:
            return Approval.model_validate(self.problem.named.get("approval"))
        except ValidationError:
            return None


class AlreadyDecidedError(EndedError):
    """Somebody decided first."""


class ApprovalExpiredError(EndedError):
    """Nobody decided in time."""


class ApprovalCancelledError(EndedError):
    """The approval was cancelled."""


class ApprovalSupersededError(EndedError):
    """Nobody waits for the approval any more."""


class InvalidError(ProblemError):
    """What was sent is not valid; `errors` says where, for the codes that know it."""


class MalformedBodyError(InvalidError):
    """The body is not JSON that can be read in one way only."""


class TooLargeError(InvalidError):
    """The body is larger than the gateway takes."""


class InvalidRequestError(InvalidError):
    """The request does not have the right shape."""


class InvalidDecisionError(InvalidError):
    """The decision does not have the right shape, or its answers do not fit the questions."""


class InvalidArgsError(InvalidError):
    """The edited arguments break the tool's schema."""


class InvalidQueryError(InvalidError):
    """A filter, sort, limit or cursor is not valid."""


class IdempotencyKeyReusedError(InvalidError):
    """The key was used with another body."""


class EditDeniedError(ProblemError):
    """Policy denies the edited call; the problem names the rule and its reason."""


class BusyError(ProblemError):
    """The same request may succeed later.

    Attributes:
        retry_after: Seconds to wait, where the gateway says.
    """

    retry_after: float | None = None


class SlowDownError(BusyError):
    """Too many requests."""


class UnavailableError(BusyError):
    """Temporal or the ledger cannot be reached."""

    @property
    def maybe_recorded(self) -> bool:
        """False only when nothing left the gateway; else repeat with the same key."""
        return self.problem.named.get("maybe_recorded") is not False

    @property
    def idempotency_key(self) -> str | None:
        """The key with which to repeat."""
        key: object = self.problem.named.get("idempotency_key")
        return key if isinstance(key, str) else None


PROBLEMS: Final[dict[Code, type[ProblemError]]] = {
    "already_decided": AlreadyDecidedError,
    "cancelled": ApprovalCancelledError,
    "decision_not_allowed": DecisionNotAllowedError,
    "edit_denied": EditDeniedError,
    "expired": ApprovalExpiredError,
    "idempotency_key_reused": IdempotencyKeyReusedError,
    "invalid_args": InvalidArgsError,
    "invalid_decision": InvalidDecisionError,
    "invalid_query": InvalidQueryError,
    "invalid_request": InvalidRequestError,
    "malformed_json": MalformedBodyError,
    "not_allowed": NotAllowedError,
    "not_an_approver": NotAnApproverError,
    "not_found": NotFoundError,
    "run_ended": RunEndedError,
    "self_approval": SelfApprovalError,
    "slow_down": SlowDownError,
    "stale_digest": StaleDigestError,
    "superseded": ApprovalSupersededError,
    "thread_busy": ThreadBusyError,
    "too_large": TooLargeError,
    "unauthenticated": UnauthenticatedError,
    "unavailable": UnavailableError,
    "unknown_agent": UnknownAgentError,
}
"""The class of each code; a code of a later version is a plain `ProblemError`."""


def problem_error(problem: Problem, request_id: str | None, retry_after: str | None) -> ProblemError:
    """Returns the error for a refusal.

    Args:
        problem: The body.
        request_id: The header `X-Request-Id`, where it came.
        retry_after: The header `Retry-After`, where it came.
    """
    classes = cast("dict[str, type[ProblemError]]", PROBLEMS)
    error = classes.get(problem.code, ProblemError)(problem, request_id)
    if isinstance(error, BusyError) and retry_after is not None and retry_after.isdecimal():
        error.retry_after = float(retry_after)
    return error
