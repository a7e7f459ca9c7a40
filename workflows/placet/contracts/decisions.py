"""A decision: as a client sends it, as it travels to the approval, and as it is recorded."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AwareDatetime, BeforeValidator, Field, JsonValue

from placet.contracts._base import Message, RequestBody
from placet.contracts.canonical import canonical_args, canonical_text, fingerprint
from placet.contracts.questions import Answer, AnswerBody

CallDecision = Literal["approve", "edit", "reject", "respond"]
"""What a person may say of a tool call."""
QuestionDecision = Literal["answer", "skip"]
"""What a person may say to a question."""

CALL_DECISIONS: Final[tuple[str, ...]] = get_args(CallDecision)
QUESTION_DECISIONS: Final[tuple[str, ...]] = get_args(QuestionDecision)
DECISION_TYPES: Final = CALL_DECISIONS + QUESTION_DECISIONS
LONGEST_LIST: Final = 100
"""Decisions in one request, at most."""


class Person(Message):
    """Who decided: `user:dana`, the name to show, and the way it came.

    `via` is `api`, `cli`, `web`, `langgraph`, or `temporal` for what reached the approval past the
    gateway, where nobody has verified who it was.
    """

    id: str = Field(max_length=500)
    name: str | None = Field(default=None, max_length=500)
    via: str = Field(default="temporal", max_length=100)


class Proof(Message):
    """What the gateway vouches for beside the person: how it knew them, and what they had before them.

    Attributes:
        method: `oidc` or `account` (a session that began so), `key`, `jwt`, or `local` where nobody signs in.
        credential: The id of the session, key or token; it opens nothing.
        authenticated_at: When they last proved who they are, where that is known.
        address: The network address, where the gateway is told to keep it.
        card_digest: Of the card as it was rendered to them, as their client says; null where it says nothing.
    """

    method: str = Field(max_length=100)
    credential: str | None = Field(default=None, max_length=200)
    authenticated_at: AwareDatetime | None = None
    address: str | None = Field(default=None, max_length=200)
    card_digest: str | None = Field(default=None, max_length=200)


def _person_of_text(value: object) -> object:
    return {"id": value} if isinstance(value, str) else value


class DecisionBody(RequestBody):
    """The body of POST `/v1/approvals/{id}/decision`.

    The type is text here: an unknown one is an `invalid_decision`, not an `invalid_request`.

    Attributes:
        card_digest: Of the card that was rendered to the person (`placet.cards`), for the record; it is no part
            of what makes a repeat the same.
    """

    type: str = Field(json_schema_extra={"enum": [*DECISION_TYPES]})
    digest: str
    args: dict[str, JsonValue] | None = None
    message: str | None = None
    answers: dict[str, AnswerBody] | None = None
    card_digest: str | None = Field(default=None, pattern=r"^sha256:[0-9a-f]{64}$")


class DecideInput(Message):
    """The payload of the Update and the Signal `decide`.

    `args_text` is canonical text and wins over `args`, so that integers beyond 2^53 survive clients
    that cannot hold them. `seal` is the gateway's proof that it has authenticated `by`, and says `proof`.
    """

    type: str = Field(max_length=100)
    digest: str = Field(max_length=200)
    args: dict[str, Any] | None = None
    args_text: str | None = None
    message: str | None = None
    answers: dict[str, Answer] | None = None
    decision_id: str | None = Field(default=None, max_length=200)
    by: Annotated[Person, BeforeValidator(_person_of_text, json_schema_input_type=str | Person)] | None = None
    received_at: AwareDatetime | None = None
    proof: Proof | None = None
    seal: str | None = Field(default=None, max_length=200)


def body_fingerprint(body: DecisionBody | DecideInput) -> str:
    """Returns the fingerprint of a decision's body as sent, whatever key and person it came with.

    Raises:
        MalformedJsonError: The arguments hold what JSON cannot.
    """
    return fingerprint_with(body, sent_args(body))


def sent_args(body: DecisionBody | DecideInput) -> str | None:
    """Returns the canonical text of the arguments that came with a decision.

    Raises:
        MalformedJsonError: They hold what JSON cannot.
    """
    if isinstance(body, DecideInput) and body.args_text is not None:
        return canonical_args(body.args_text)
    return None if body.args is None else canonical_text(body.args)


def fingerprint_with(body: DecisionBody | DecideInput, args_text: str | None) -> str:
    """Returns `body_fingerprint` where the arguments' canonical text is known: large ones are written once.

    The text that is hashed is canonical JSON: its keys stand in order.
    """
    answers = body.answers and {key: value.model_dump() for key, value in body.answers.items()}
    text = (
        f'{{"answers":{canonical_text(answers)},"args":{args_text or "null"},"digest":{canonical_text(body.digest)},'
        f'"message":{canonical_text(body.message)},"type":{canonical_text(body.type)}}}'
    )
    return hashlib.sha256(text.encode()).hexdigest()


class Decision(Message):
    """A decision as the gate takes it.

    Attributes:
        id: Names the decision; the id of the Update that carried it.
        fingerprint: Of the body as sent (`body_fingerprint`), to tell a repeat from
            another use of the same key.
        digest: In: of the call that the person was shown. In a record: of the call that runs.
        args_text: Canonical arguments; only an edit has them.
        received_at: When the gateway took it; kept for the record, compared with nothing.
        proof: As the gateway gave it; without the seal it proves nothing.
    """

    id: str
    fingerprint: str
    type: str
    digest: str
    args_text: str | None = None
    message: str | None = None
    answers: dict[str, Answer] | None = None
    by: Person
    received_at: datetime | None = None
    proof: Proof | None = None
    seal: str | None = None


def without_content(decision: Decision) -> Decision:
    """Returns who decided what type of thing under which id, without the arguments, message or answers."""
    return decision.model_copy(update={"args_text": None, "message": None, "answers": None})


class DecisionRecord(Message):
    """The decision that ended an approval, as its outcome carries it.

    Attributes:
        digest: Of the call that runs because of it; differs from the approval's after an edit.
    """

    id: str
    type: str
    by: Person
    received_at: datetime | None = None
    message: str | None = None
    args_text: str | None = None
    answers: dict[str, Answer] | None = None
    digest: str


class DecideResult(Message):
    """The answer of the Update `decide`: how the approval ended, and by whose decision.

    Attributes:
        fingerprint: Of the body that was recorded under the Update's id; another one means that
            the key was used twice.
        winner: The decision as it was sent, without content: its seal tells whether `by` is verified.
    """

    status: str
    decision: DecisionRecord | None = None
    winner: Decision | None = None
    digest: str
    ended_at: datetime
    fingerprint: str | None = None


class WithdrawInput(Message):
    """The payload of the Update and the Signal `cancel`: nobody shall decide any more.

    `seal` is the gateway's proof that it has authenticated `by`.
    """

    id: str | None = Field(default=None, max_length=200)
    status: Literal["cancelled", "superseded"] = "cancelled"
    by: Annotated[Person, BeforeValidator(_person_of_text, json_schema_input_type=str | Person)] | None = None
    reason: str | None = Field(default=None, max_length=2_000)
    seal: str | None = Field(default=None, max_length=200)


def withdrawal_fingerprint(status: str, reason: str | None) -> str:
    """Returns the fingerprint of a withdrawal, for its seal."""
    return fingerprint({"reason": reason, "status": status})
