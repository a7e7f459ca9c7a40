"""Tool calls, and what policy says of them."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, JsonValue, model_validator

from placet.contracts._base import Message
from placet.contracts.canonical import canonical_args, canonical_text, digest
from placet.contracts.decisions import CALL_DECISIONS
from placet.contracts.durations import Duration

Effect = Literal["allow", "deny", "ask"]
Risk = Literal["low", "medium", "high", "critical"]
OnExpiry = Literal["reject", "abort"]

DEFAULT_APPROVERS = ("role:approver",)
DEFAULT_EXPIRES_AFTER = "7d"


class Terms(Message):
    """What an ask rule lays down for the approvals that it causes."""

    decisions: tuple[str, ...] = CALL_DECISIONS
    approvers: tuple[str, ...] = DEFAULT_APPROVERS
    self_approval: bool = False
    expires_after: Duration = DEFAULT_EXPIRES_AFTER
    on_expiry: OnExpiry = "reject"
    risk: Risk = "medium"


class Judgement(Message):
    """What policy says of a call that stands beside it.

    Attributes:
        rule: The name of the rule that decided, or of the list (`deny`, `ask`, `allow`, `mode`).
        reason: Why, in a sentence for people.
        title: The headline of an approval.
        terms: Present where the effect is `ask`.
    """

    effect: Effect
    rule: str | None = None
    reason: str | None = None
    title: str | None = None
    terms: Terms | None = None


class Verdict(Judgement):
    """What policy says of one call.

    Attributes:
        digest: Of the call that was judged.
    """

    digest: str


class Source(Message):
    """The workflow, of whatever SDK, that asks."""

    workflow_id: str | None = None
    run_id: str | None = None
    workflow_type: str | None = None
    task_queue: str | None = None
    activity: str | None = None
    framework: str | None = None
    sdk: str | None = None


class JudgeCall(Message):
    """One call to judge; `args_text` wins over `args`, `args_ref` names arguments in the ledger."""

    tool: str
    args: dict[str, Any] | None = None
    args_text: str | None = None
    args_ref: str | None = None
    args_schema: dict[str, JsonValue] | None = None
    call_id: str | None = None
    index: int | None = None


class JudgeInput(Message):
    """The input of the activity `placet.judge`; `run_id`, `thread_id` and `turn` are set for runs of ours."""

    v: int = 1
    calls: tuple[JudgeCall, ...]
    source: Source = Field(default_factory=Source)
    agent: str | None = None
    requester: str | None = None
    run_id: str | None = None
    thread_id: str | None = None
    turn: int | None = None


class JudgeResult(Message):
    """The verdicts, in the order of the calls."""

    verdicts: tuple[Verdict, ...]


class Args(Message):
    """The arguments of a call: their canonical text, or where the ledger keeps it.

    History holds up to `INLINE_ARGS` bytes of arguments; what is longer lies in the ledger under its
    digest, and the digest still binds what is shown to what runs.
    """

    text: str | None = None
    ref: str | None = None
    digest: str

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.text is None) == (self.ref is None):
            message = "arguments are text or a reference"
            raise ValueError(message)
        return self


INLINE_ARGS = 64 * 1024
"""Bytes of canonical arguments that history carries, at most."""


def inline_args(tool: str, args: dict[str, Any] | None, args_text: str | None) -> Args:
    """Returns the canonical arguments of a call that came as a dict, as text, or without any.

    Raises:
        MalformedJsonError: They are not an object of JSON.
    """
    text = canonical_args(args_text) if args_text is not None else canonical_text(args or {})
    return Args(text=text, digest=digest(tool, text))
