"""Every code with which Placet refuses, and the refusal as a value.

ErrorCode          the code, its HTTP status, its title
Refusal            a code with what it names; the gate answers with it
RefusedError       a Refusal on its way through code that can only raise
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

from pydantic import Field

from placet.contracts._base import Message

Code = Literal[
    "already_decided",
    "cancelled",
    "decision_not_allowed",
    "edit_denied",
    "expired",
    "idempotency_key_reused",
    "invalid_args",
    "invalid_decision",
    "invalid_query",
    "invalid_request",
    "malformed_json",
    "not_allowed",
    "not_an_approver",
    "not_found",
    "run_ended",
    "self_approval",
    "slow_down",
    "stale_digest",
    "superseded",
    "thread_busy",
    "too_large",
    "unauthenticated",
    "unavailable",
    "unknown_agent",
]


class CodeMeaning(NamedTuple):
    """What an error code says over HTTP."""

    status: int
    title: str


CODES: Final[dict[Code, CodeMeaning]] = {
    "malformed_json": CodeMeaning(400, "The body is not JSON that can be read in one way only"),
    "unauthenticated": CodeMeaning(401, "No valid key was sent"),
    "not_allowed": CodeMeaning(403, "Your roles do not allow this"),
    "not_an_approver": CodeMeaning(403, "You are not one of the approvers"),
    "self_approval": CodeMeaning(403, "Who started a run may not decide on its calls"),
    "decision_not_allowed": CodeMeaning(403, "This type of decision is not allowed here"),
    "not_found": CodeMeaning(404, "There is no such thing, or you may not see it"),
    "unknown_agent": CodeMeaning(404, "There is no agent of that name"),
    "already_decided": CodeMeaning(409, "Somebody has decided already"),
    "expired": CodeMeaning(409, "Nobody decided in time"),
    "cancelled": CodeMeaning(409, "The approval was cancelled"),
    "superseded": CodeMeaning(409, "Nobody waits for this approval any more"),
    "stale_digest": CodeMeaning(409, "What you saw is not what would run"),
    "thread_busy": CodeMeaning(409, "The thread has a run that has not ended"),
    "run_ended": CodeMeaning(409, "The run has ended"),
    "too_large": CodeMeaning(413, "The body is larger than 1 MiB"),
    "invalid_request": CodeMeaning(422, "The request does not have the right shape"),
    "invalid_decision": CodeMeaning(422, "The decision does not have the right shape"),
    "invalid_args": CodeMeaning(422, "The edited arguments break the tool's schema"),
    "edit_denied": CodeMeaning(422, "Policy denies the edited call"),
    "invalid_query": CodeMeaning(422, "A filter, sort, limit or cursor is not valid"),
    "idempotency_key_reused": CodeMeaning(422, "The key was used with another body"),
    "slow_down": CodeMeaning(429, "Too many requests"),
    "unavailable": CodeMeaning(503, "Temporal or the ledger cannot be reached"),
}


class Refusal(Message):
    """A "no" as a value: the code, a sentence, and what the code names."""

    code: Code
    message: str
    details: dict[str, Any] = Field(default_factory=dict)


class RefusedError(Exception):
    """A refusal that has to be raised.

    Attributes:
        refusal: What was refused and why.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
