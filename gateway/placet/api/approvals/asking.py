"""Asking from outside any run: the workflow first, then its row, so that what was answered can be read at once."""

from __future__ import annotations

import asyncio
import re
import uuid
from typing import TYPE_CHECKING, Final, Protocol

from placet.api.bodies import invalid_request
from placet.api.errors import ProblemError, TemporalError, UnreachableError
from placet.api.schemas import schema_problem
from placet.contracts.approvals import ApprovalInput
from placet.contracts.calls import INLINE_ARGS
from placet.contracts.canonical import canonical_text, digest, fingerprint
from placet.contracts.errors import Refusal, RefusedError
from placet.contracts.records import RequestedEntry
from placet.ledger import LedgerError
from placet.runs.asking import asked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placet.api.identity import Caller
    from placet.api.lookup import Lookup
    from placet.api.ports import Approvals
    from placet.contracts.approvals import Approval, ApprovalRequest, Asked
    from placet.contracts.config import Defaults
    from placet.contracts.records import Entry
    from placet.ledger import KeyClaim

_APPROVER: Final = re.compile(r"(user|group|role):\S.{0,199}|requester", re.DOTALL)


class AskedRecords(Protocol):
    """What asking needs of the ledger."""

    async def claim_key(self, scope: str, key: str, fingerprint: str, target_id: str) -> KeyClaim:
        """Returns who has claimed the key: the first one to come."""
        ...

    async def put_args(self, tool: str, args_text: str) -> str:
        """Returns the reference under which the ledger keeps arguments."""
        ...

    async def record(self, asked: Asked, first: int, entries: Sequence[Entry]) -> None:
        """Writes entries of an approval, each once."""
        ...


class Asking:
    """Starts approvals."""

    def __init__(self, records: AskedRecords, approvals: Approvals, lookup: Lookup, defaults: Defaults) -> None:
        self._records = records
        self._approvals = approvals
        self._lookup = lookup
        self._defaults = defaults

    async def ask(self, caller: Caller, body: ApprovalRequest, key: str | None) -> Approval:
        """Returns the approval that was asked for, by this request or an earlier one of the same key.

        Raises:
            ProblemError: `invalid_request`, or `unavailable` with the key to repeat it with.
            RefusedError: `idempotency_key_reused`.
        """
        if body.args_schema is None:
            check_request(body)
        else:
            # A schema from anybody: looking through it may take a second, which nobody else shall wait.
            await asyncio.to_thread(check_request, body)
        used = key or uuid.uuid4().hex
        started = False
        try:
            claim = await self._claim(caller, body, used)
            given = await self._input(caller, body)
            started = True
            execution = await self._approvals.start(claim.target_id, given)
            row = asked(
                claim.target_id,
                given,
                workflow_id=execution.workflow_id,
                workflow_run_id=execution.workflow_run_id,
                requested_at=execution.at,
            )
            await self._records.record(row, 0, (RequestedEntry(),))
            approval = await self._lookup.known(claim.target_id)
        except (LedgerError, TemporalError) as error:
            sent = started and getattr(error, "sent", True)
            raise _unavailable(error, used, maybe_recorded=sent) from error
        if approval is None:
            raise _unavailable(UnreachableError("its row is gone", sent=True), used, maybe_recorded=True)
        return approval

    async def _claim(self, caller: Caller, body: ApprovalRequest, key: str) -> KeyClaim:
        """Returns the approval's id for this key; the key's scope is the caller and this endpoint."""
        mark = fingerprint(body.model_dump(mode="json", exclude_unset=True))
        claim = await self._records.claim_key(f"approvals {caller.id}", key, mark, uuid.uuid4().hex)
        if claim.fingerprint != mark:
            message = "The Idempotency-Key was used for another approval."
            raise RefusedError(
                Refusal(code="idempotency_key_reused", message=message, details={"idempotency_key": key})
            )
        return claim

    async def _input(self, caller: Caller, body: ApprovalRequest) -> ApprovalInput:
        """Returns the workflow's input; arguments that history should not carry stay in the ledger."""
        terms = self._defaults.model_dump(exclude={"decisions"} if body.kind == "question" else None)
        fields = {**terms, **body.model_dump(exclude={"args", "questions"}, exclude_none=True)}
        given = ApprovalInput.model_validate({**fields, "questions": body.questions, "requester": caller.id})
        if body.kind == "question":
            return given
        tool, text = body.tool or "", canonical_text(body.args or {})
        if len(text.encode()) <= INLINE_ARGS:
            return given.model_copy(update={"args_text": text})
        ref = await self._records.put_args(tool, text)
        return given.model_copy(update={"args_ref": ref, "digest": digest(tool, text)})


def check_request(body: ApprovalRequest) -> None:
    """Refuses what the model of the body cannot tell.

    Raises:
        ProblemError: `invalid_request`.
    """
    errors = [
        {"pointer": f"/approvers/{place}", "message": "is user:…, group:…, role:… or requester"}
        for place, approver in enumerate(body.approvers or ())
        if not _APPROVER.fullmatch(approver)
    ]
    problem = schema_problem(body.args_schema) if body.args_schema is not None else None
    if problem is not None:
        errors.append({"pointer": "/args_schema", "message": problem})
    if not body.title.strip():
        errors.append({"pointer": "/title", "message": "is blank"})
    if errors:
        raise invalid_request(errors)


def _unavailable(error: Exception, key: str, *, maybe_recorded: bool) -> ProblemError:
    detail = f"Ask again with the same Idempotency-Key: {error}."
    return ProblemError(code="unavailable", detail=detail, maybe_recorded=maybe_recorded, idempotency_key=key)
