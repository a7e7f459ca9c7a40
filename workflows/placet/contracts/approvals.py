"""An approval: what asks for it, what it looks like from outside, how it ends."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal, Self, get_args

from pydantic import ConfigDict, Field, JsonValue, model_validator
from pydantic.config import JsonDict

from placet.contracts._base import CLOSED, Message
from placet.contracts.calls import DEFAULT_EXPIRES_AFTER, Args, OnExpiry, Risk, Source
from placet.contracts.decisions import CALL_DECISIONS, CallDecision, Decision, DecisionRecord, Person, Proof
from placet.contracts.durations import Duration
from placet.contracts.questions import Answer, Question, QuestionBody, numbered

Kind = Literal["tool_call", "question"]
End = Literal["approved", "rejected", "responded", "answered", "skipped", "expired", "cancelled", "superseded"]
"""How an approval ends."""
ApprovalStatus = Literal["pending"] | End
APPROVAL_STATUSES: Final[tuple[str, ...]] = ("pending", *get_args(End))
ENDS: Final[tuple[End, ...]] = get_args(End)

ENDED_BY: Final[dict[str, End]] = {
    "approve": "approved",
    "edit": "approved",
    "reject": "rejected",
    "respond": "responded",
    "answer": "answered",
    "skip": "skipped",
}
"""The outcome that each type of decision gives."""

_BY_KIND: Final[JsonDict] = {
    "allOf": [
        {
            "if": {"properties": {"kind": {"const": "tool_call"}}},
            "then": {"required": ["tool"], "properties": {"tool": {"type": "string"}, "questions": {"maxItems": 0}}},
            "else": {"required": ["questions"], "properties": {"questions": {"minItems": 1}}},
        }
    ]
}
"""What `_fits_its_kind` checks, in the words of JSON Schema."""


class ApprovalBody(Message):
    """What is asked: the body of POST `/v1/approvals`, and the core of the `Approval` input."""

    model_config = ConfigDict(json_schema_extra=_BY_KIND)

    kind: Kind
    tool: str | None = Field(default=None, min_length=1, max_length=200)
    args: dict[str, Any] | None = None
    args_schema: dict[str, JsonValue] | None = None
    questions: tuple[Question, ...] = Field(default=(), max_length=4)
    allow_skip: bool = False
    context: dict[str, JsonValue] | None = None
    title: str = Field(min_length=1, max_length=500)
    reason: str | None = Field(default=None, max_length=2_000)
    decisions: tuple[CallDecision, ...] | None = Field(default=None, min_length=1)
    approvers: tuple[str, ...] | None = Field(default=None, min_length=1)
    expires_after: Duration | None = None
    risk: Risk | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind == "tool_call" and not self.tool:
            message = "a tool_call names its tool"
            raise ValueError(message)
        if self.kind == "question" and not self.questions:
            message = "a question asks at least one question"
            raise ValueError(message)
        if self.kind == "tool_call" and self.questions:
            message = "a tool_call has no questions"
            raise ValueError(message)
        numbered(self.questions)
        return self


class ApprovalRequest(ApprovalBody):
    """The body of POST `/v1/approvals`: unknown fields are refused."""

    model_config = CLOSED

    questions: tuple[QuestionBody, ...] = Field(  # pyright: ignore[reportIncompatibleVariableOverride] - frozen
        default=(), max_length=4
    )


class ApprovalInput(ApprovalBody):
    """The input of the workflow `Approval`, from our runs and from anybody's workflow.

    Attributes:
        args_text: Canonical text; wins over `args`, so that integers beyond 2^53 survive.
        args_ref: Names arguments that the ledger keeps; `digest` then comes with it.
        args_schema_ref: Names a JSON Schema that the ledger keeps.
        says: The model's own text, untrusted.
        says_ref: Names the message in the ledger that holds it.
        requester: Who started the run, `user:…`; what a workflow that is not ours claims is
            unverified.
        seal: The gateway's or our run's proof that `requester` is who it says.
    """

    args_text: str | None = None
    args_ref: str | None = None
    args_schema_ref: str | None = None
    digest: str | None = None
    agent: str | None = None
    call_id: str | None = None
    source: Source | None = None
    run_id: str | None = None
    thread_id: str | None = None
    turn: int | None = None
    index: int | None = None
    rule: str | None = None
    says: str | None = None
    says_ref: str | None = None
    requester: str | None = None
    self_approval: bool = False
    on_expiry: OnExpiry = "reject"
    seal: str | None = None

    @property
    def lifetime(self) -> str:
        """The duration after which the approval expires."""
        return self.expires_after or DEFAULT_EXPIRES_AFTER


class Outcome(Message):
    """The result of the workflow `Approval`.

    Attributes:
        digest: Of the call as it was asked; `decision.digest` is of the call that runs.
    """

    status: End
    decision: DecisionRecord | None = None
    digest: str
    ended_at: datetime | None = None
    reason: str | None = None


class Asked(Message):
    """An approval as its workflow knows it once the input has been read: everything decided.

    This is what is written to the ledger when the approval is requested and what the gate guards.
    """

    id: str
    kind: Kind
    tool: str
    args: Args
    args_schema: dict[str, JsonValue] | None = None
    args_schema_ref: str | None = None
    questions: tuple[Question, ...] = ()
    allow_skip: bool = False
    context: dict[str, JsonValue] | None = None
    title: str
    reason: str | None = None
    rule: str | None = None
    risk: Risk = "medium"
    says: str | None = None
    says_ref: str | None = None
    allowed_decisions: tuple[str, ...]
    approvers: tuple[str, ...]
    self_approval: bool = False
    requester: str | None = None
    requested_at: datetime
    expires_at: datetime | None = None
    on_expiry: OnExpiry = "reject"
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    agent: str | None = None
    call_id: str | None = None
    source: Source | None = None
    run_id: str | None = None
    thread_id: str | None = None
    turn: int | None = None
    index: int | None = None
    seal: str | None = None
    workflow_id: str
    workflow_run_id: str


class ApprovalState(Message):
    """The answer of the Query `state`.

    Attributes:
        winner: The decision as it was sent, without content: its seal tells whether `by` is verified.
    """

    asked: Asked
    status: ApprovalStatus
    decision: DecisionRecord | None = None
    winner: Decision | None = None
    ended_at: datetime | None = None
    reason: str | None = None


class RefusedDecision(Message):
    """A decision that reached the approval and did not count."""

    decision_id: str
    code: str
    by: Person
    at: datetime
    proof: Proof | None = None


class Execution(Message):
    """What became of the tool call after its approval."""

    status: Literal["running", "succeeded", "failed", "uncertain", "refused"]
    digest: str
    started_at: datetime | None = None
    ended_at: datetime | None = None


class WorkflowLink(Message):
    """Where Temporal's UI shows the workflow; `url` is null where no UI address is set."""

    workflow_id: str
    run_id: str | None = None
    url: str | None = None


class DecisionView(Message):
    """A decision as REST shows it.

    Attributes:
        proof: How the gateway knew who decided, and which card they saw; null for what came straight through Temporal.
    """

    id: str
    type: str
    by: Person
    received_at: datetime | None = None
    message: str | None = None
    args: dict[str, Any] | None = None
    answers: dict[str, Answer] | None = None
    digest: str
    proof: Proof | None = None


class Approval(Message):
    """An approval as REST shows it; the fields of contract "Approval".

    Attributes:
        recorded: A decision was answered 202 and has not been resolved yet.
    """

    id: str
    kind: Kind
    status: ApprovalStatus
    run_id: str | None = None
    thread_id: str | None = None
    agent: str | None = None
    turn: int | None = None
    call_id: str | None = None
    source: Source | None = None
    tool: str
    args: dict[str, Any]
    args_schema: dict[str, JsonValue] | None = None
    digest: str
    title: str
    reason: str | None = None
    rule: str | None = None
    risk: Risk = "medium"
    says: str | None = None
    questions: tuple[Question, ...] = ()
    allow_skip: bool = False
    context: dict[str, JsonValue] | None = None
    allowed_decisions: tuple[str, ...]
    approvers: tuple[str, ...]
    self_approval: bool = False
    requester: str | None = None
    requested_at: datetime
    expires_at: datetime | None = None
    on_expiry: OnExpiry = "reject"
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    decision: DecisionView | None = None
    refused: tuple[RefusedDecision, ...] = ()
    recorded: bool = False
    ended_at: datetime | None = None
    execution: Execution | None = None
    temporal: WorkflowLink


def allowed_decisions(body: ApprovalBody) -> tuple[str, ...]:
    """Returns the types of decision that the approval takes."""
    if body.kind == "question":
        return ("answer", "skip") if body.allow_skip else ("answer",)
    return body.decisions or CALL_DECISIONS


def decision_record(decision: Decision, runs: str) -> DecisionRecord:
    """Returns a decision as the outcome carries it.

    Args:
        decision: The one that won.
        runs: The digest of the call that runs because of it.
    """
    return DecisionRecord(
        id=decision.id,
        type=decision.type,
        by=decision.by,
        received_at=decision.received_at,
        message=decision.message,
        args_text=decision.args_text,
        answers=decision.answers,
        digest=runs,
    )
