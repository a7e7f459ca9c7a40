"""`/approvals/{id}`: look, and decide."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from placet.api.access import Gateway, SignedIn
from placet.api.approvals.endpoints import visible
from placet.api.decisions.deciding import ENDS, decision_request
from placet.api.errors import ProblemError
from placet.api.identity import Caller
from placet.api.rights import check_may_decide
from placet.api.services import Services
from placet.api.views import conflict
from placet.cards import words
from placet.cards.view import edited, view
from placet.contracts.approvals import Approval
from placet.contracts.decisions import DecisionBody
from placet.contracts.errors import CODES, Refusal, RefusedError
from placet.web.answers import page, see
from placet.web.approvals.confirming import must_confirm, must_type
from placet.web.approvals.detail import content
from placet.web.approvals.editing import begun, checked, edit_page, review_page, typed
from placet.web.approvals.new_secrets import FIELD, taken_out
from placet.web.approvals.saying import answers_of, body_of, typed_text
from placet.web.posted import Posted
from placet.web.routing import PageRoute

LOOKS: Final = 60
PAUSE: Final = 0.05
"""Seconds between two looks into the ledger for what has just been decided."""
_MAY_STILL_COUNT: Final = frozenset({"pending", "expired"})
MISSING: Final = "an answer is missing"
NOTHING_SAID: Final[dict[str, Any]] = {
    "problem": None,
    "typed": None,
    "drafts": {},
    "answered": {},
    "answer_errors": {},
}
"""What a page shows of a decision that did not count, where there was none."""

_SEND_AGAIN: Final[dict[str, str]] = {
    "unavailable": "The workflow service does not answer, so nobody can say yet whether your decision was recorded. "
    "What you typed is still here: send it again, it counts once.",
    "slow_down": "Too many decisions of yours came at once, so this one was not sent. What you typed is still "
    "here: send it again in a moment.",
}
"""What may be sent once more as it is, and why it was not taken."""

router: Final = APIRouter(prefix="/approvals", include_in_schema=False, route_class=PageRoute)


@router.get("/{approval_id}")
async def show_approval(
    request: Request, approval_id: str, caller: SignedIn, services: Gateway, whole: str = ""
) -> Response:
    """Shows one approval; `whole` shows long values to their end."""
    approval = await visible(services, caller, approval_id)
    shown = await content(services, caller, approval, whole=bool(whole))
    return page(request, "approval.html", caller=caller, **shown, key=uuid.uuid4().hex, **NOTHING_SAID)


@router.get("/{approval_id}/edit")
async def show_edit(request: Request, approval_id: str, caller: SignedIn, services: Gateway, raw: str = "") -> Response:
    """Shows the form that edits a call: its fields, or its JSON."""
    approval = await _editable(services, caller, approval_id)
    return edit_page(request, caller, approval, begun(approval, raw=bool(raw)))


@router.post("/{approval_id}/edit")
async def review_edit(request: Request, approval_id: str, caller: SignedIn, services: Gateway) -> Response:
    """Shows what would run instead, or what is wrong with it; nothing is decided here."""
    posted = Posted.by(request)
    try:
        approval = await _editable(services, caller, approval_id)
    except RefusedError as error:
        if error.refusal.code not in ENDS:
            raise
        said = _said(await visible(services, caller, approval_id), error.refusal)
        return await _again(request, services, caller, posted, approval_id, error.refusal, said)
    draft = await checked(services, caller, approval, typed(approval, posted), posted.one("digest"))
    if posted.one("do"):
        return edit_page(request, caller, approval, replace(draft, summary=""))
    if draft.args is None:
        return edit_page(request, caller, approval, draft)
    risk = await services.deciding.risk(approval, draft.args)
    return await review_page(request, caller, approval, draft.args, posted, risk=risk)


@router.post("/{approval_id}/decision")
async def decide(request: Request, approval_id: str, caller: SignedIn, services: Gateway) -> Response:
    """Decides, or asks once more where the risk is high; then shows what became of it."""
    posted = Posted.by(request)
    approval = await visible(services, caller, approval_id)
    secrets = await taken_out(services.auth.signer, caller, approval, posted.one(FIELD))
    body = body_of(approval, posted, secrets)
    risk = await services.deciding.risk(approval, body.args)
    card = replace(view(approval) if body.args is None else edited(approval, body.args), risk=risk)
    # The ledger may say `expired` by a clock that runs fast, or before it hears of the end; Temporal has the last word.
    if approval.status in _MAY_STILL_COUNT and must_confirm(card, body.type, posted):
        if body.args is not None:
            return await review_page(request, caller, approval, body.args, posted, risk=risk)
        return _confirmation(request, caller, approval, posted)
    return await answered(request, services, caller, approval, body, posted)


async def _editable(services: Services, caller: Caller, approval_id: str) -> Approval:
    """Returns an approval whose arguments the caller may change.

    Raises:
        RefusedError: Somebody else does, nobody does any more, or edits are not allowed.
    """
    approval = await visible(services, caller, approval_id)
    refusal = check_may_decide(caller, approval, local=services.directory.local)
    if refusal is None and "edit" not in approval.allowed_decisions:
        refusal = Refusal(code="decision_not_allowed", message="The arguments of this call cannot be edited.")
    if refusal is None and approval.status != "pending":
        refusal = conflict(approval)
    if refusal is not None:
        raise RefusedError(refusal)
    return approval


async def answered(
    request: Request, services: Services, caller: Caller, approval: Approval, body: DecisionBody, posted: Posted
) -> Response:
    """Sends a decision, and returns the page that says what became of it; nothing typed is lost."""
    person = replace(caller, via="web")
    key = posted.one("key") or None
    try:
        wanted = decision_request(approval.id, person, body, key, services.clock(), confirmed=True)
        ended = await services.deciding.decide(wanted)
    except RefusedError as error:
        said = _said(await visible(services, caller, approval.id), error.refusal)
        return await _again(request, services, caller, posted, approval.id, error.refusal, said)
    except ProblemError as error:
        if error.code not in _SEND_AGAIN:
            raise
        unsent, said = Refusal(code=error.code, message=error.detail), _SEND_AGAIN[error.code]
        if body.args is not None:
            risk = await services.deciding.risk(approval, body.args)
            return await review_page(request, caller, approval, body.args, posted, said, risk=risk)
        return await _again(request, services, caller, posted, approval.id, unsent, said)
    if isinstance(ended, Approval):
        await _written(services, caller, approval.id)
    return see(f"/approvals/{approval.id}?done=1")


async def _written(services: Services, caller: Caller, approval_id: str) -> None:
    """Waits until the ledger, which lags, knows the end: the page that is shown next reads it there."""
    for _ in range(LOOKS):
        if (await visible(services, caller, approval_id)).status != "pending":
            return
        await asyncio.sleep(PAUSE)


async def _again(
    request: Request,
    services: Services,
    caller: Caller,
    posted: Posted,
    approval_id: str,
    refusal: Refusal,
    said: str,
) -> Response:
    """Returns the approval as it is now, why the decision did not count, and what was typed."""
    approval = await visible(services, caller, approval_id)
    shown = await content(services, caller, approval, whole=bool(posted.one("whole")))
    return page(
        request,
        "approval.html",
        caller=caller,
        status=CODES[refusal.code].status,
        **shown,
        key=_key_again(posted, refusal),
        problem=said,
        typed=typed_text(posted),
        drafts={posted.one("type"): posted.text("message")},
        answered=posted.fields,
        answer_errors=_by_question(refusal, approval, posted),
    )


def _said(approval: Approval, refusal: Refusal) -> str:
    """Returns why a decision did not count: who won, or what is wrong with it."""
    if refusal.code == "invalid_decision" and approval.kind == "question":
        return "Nothing was sent: an answer is missing, or does not fit."
    return words.lost(approval) if refusal.code in ENDS else f"{CODES[refusal.code].title}. {refusal.message}"


def _key_again(posted: Posted, refusal: Refusal) -> str:
    """Returns the key of the next try: the same where nobody knows whether the first one arrived."""
    key = posted.one("key").removesuffix(f"-{posted.one('type')}")
    return key if key and refusal.code in _SEND_AGAIN else uuid.uuid4().hex


def _confirmation(request: Request, caller: Caller, approval: Approval, posted: Posted) -> Response:
    """Returns the page that asks once more; a wrong word typed is said."""
    card = view(approval, limit=None)
    return page(
        request,
        "confirm.html",
        caller=caller,
        approval=approval,
        card=card,
        posted=posted,
        must_type=must_type(card),
        typed=posted.one("typed"),
    )


def _by_question(refusal: Refusal, approval: Approval, posted: Posted) -> dict[str, str]:
    """Returns what is wrong with answers, by the question; the gate names the first one only that has none."""
    if refusal.code != "invalid_decision" or posted.one("type") != "answer":
        return {}
    found = refusal.details.get("errors", [])
    named = {
        str(one.get("pointer", "")).removeprefix("/answers/").split("/")[0]: str(one.get("message", ""))
        for one in found
    }
    given = answers_of(approval, posted)
    return {question.id or "": MISSING for question in approval.questions if question.id not in given} | named
