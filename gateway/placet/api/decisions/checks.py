"""What a decision has to pass before it leaves the gateway, in the order of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from placet.api.bodies import field_errors
from placet.api.decisions.edits import check_edit
from placet.api.schemas import breaches
from placet.api.views import conflict
from placet.contracts.canonical import canonical_text, digest, parse_object
from placet.contracts.decisions import Decision, DecisionBody, body_fingerprint
from placet.contracts.errors import Code, Refusal, RefusedError
from placet.runs.gate import Gate, check_shape, judge

if TYPE_CHECKING:
    from datetime import datetime

    from pydantic import JsonValue
    from pydantic_core import ErrorDetails

    from placet.api.identity import Caller
    from placet.api.policy import EditPolicy
    from placet.contracts.approvals import Approval

_BEFORE_ARGS: Final = frozenset({"decision_not_allowed", "invalid_decision"})
"""What the gate refuses before it would look at the arguments."""


def read_body(value: JsonValue) -> DecisionBody:
    """Returns the decision that a body holds.

    Raises:
        RefusedError: `invalid_decision` where a field is missing or an answer has the wrong form,
            `invalid_request` where something else is.
    """
    try:
        return DecisionBody.model_validate(value)
    except ValidationError as error:
        found = error.errors()
        errors = field_errors(found, value)
        of_decision = all(_misses_a_field(one) or one["loc"][:1] == ("answers",) for one in found)
        code: Code = "invalid_decision" if of_decision else "invalid_request"
        message = f"{errors[0]['pointer'] or 'The decision'}: {errors[0]['message']}"
        raise RefusedError(Refusal(code=code, message=message, details={"errors": errors})) from error


def decision_of(body: DecisionBody, decision_id: str, caller: Caller, now: datetime) -> Decision:
    """Returns the decision as the gate takes it, once its shape is right.

    Raises:
        RefusedError: `invalid_decision`.
    """
    decision = Decision(
        id=decision_id,
        fingerprint=body_fingerprint(body),
        type=body.type,
        digest=body.digest,
        args_text=canonical_text(body.args) if body.args is not None else None,
        message=body.message,
        answers=dict(body.answers) if body.answers is not None else None,
        by=caller.person(),
        received_at=now,
        proof=caller.proof(body.card_digest),
    )
    malformed = _check_digest_given(body) or check_shape(decision)
    if malformed is not None:
        raise RefusedError(malformed)
    return decision


def check_content(
    approval: Approval, decision: Decision, caller: Caller, now: datetime, policy: EditPolicy, *, local: bool
) -> Refusal | None:
    """Returns why the decision does not fit the approval: type, arguments, policy, ended, digest."""
    # The ledger's reader has applied the deadline already, and knows when one is on its way.
    gate = Gate(
        kind=approval.kind,
        tool=approval.tool,
        digest=approval.digest,
        allowed=approval.allowed_decisions,
        questions=approval.questions,
    )
    answer = judge(gate, decision, now)
    by_gate = answer if isinstance(answer, Refusal) else None
    if by_gate is not None and by_gate.code in _BEFORE_ARGS:
        return by_gate
    by_args = _check_edit(approval, decision, caller, policy, local=local)
    if by_args is not None:
        return by_args
    return conflict(approval) if approval.status != "pending" else by_gate


def _check_edit(
    approval: Approval, decision: Decision, caller: Caller, policy: EditPolicy, *, local: bool
) -> Refusal | None:
    """An edit is a new call: it has to fit the tool's schema, and policy judges it again."""
    if decision.type != "edit" or decision.args_text is None:
        return None
    if digest(approval.tool, decision.args_text) == approval.digest:
        return None
    args: dict[str, Any] = parse_object(decision.args_text)
    errors = breaches(approval.args_schema, args)
    if errors:
        message = f"The edited arguments break the tool's schema: {errors[0]['message']}"
        return Refusal(code="invalid_args", message=message, details={"errors": errors})
    return check_edit(approval, args, caller, policy, local=local)


def _check_digest_given(body: DecisionBody) -> Refusal | None:
    if body.digest.strip():
        return None
    problem = "names the call that was shown; it cannot be blank"
    return Refusal(
        code="invalid_decision",
        message=f"/digest {problem}.",
        details={"errors": [{"pointer": "/digest", "message": problem}]},
    )


def _misses_a_field(error: ErrorDetails) -> bool:
    if error["loc"][:1] not in {("type",), ("digest",)}:
        return False
    return error["type"] == "missing" or error.get("input") is None
