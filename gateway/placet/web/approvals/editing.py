"""Editing a call: the form, what was typed into it, and the review before anything is sent."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, cast

from placet.api.decisions.deciding import decision_request
from placet.cards.digest import card_digest
from placet.cards.rows import changes
from placet.cards.view import edited, view
from placet.contracts.canonical import MalformedJsonError
from placet.contracts.decisions import DecisionBody
from placet.contracts.errors import CODES, Refusal, RefusedError
from placet.contracts.secrets import StrayMaskError, has_secrets, masked
from placet.web.answers import page
from placet.web.approvals.confirming import must_type
from placet.web.approvals.new_secrets import put_away
from placet.web.approvals.saying import args_of
from placet.web.forms import Field, Read, form_of, read, step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from placet.api.identity import Caller
    from placet.api.services import Services
    from placet.contracts.approvals import Approval
    from placet.contracts.calls import Risk
    from placet.web.posted import Posted

UNDO: Final = "undo"
_ARGS: Final = "/args"


@dataclass(frozen=True)
class Draft:
    """What somebody has typed so far.

    Attributes:
        form: The fields; None where JSON is typed.
        text: The JSON; empty where there are fields.
        args: The new arguments, where all of it can be read.
        summary: What is wrong in a sentence; `errors` says it place by place.
    """

    form: Field | None
    text: str
    args: dict[str, Any] | None = None
    summary: str = ""
    errors: Mapping[str, str] = field(default_factory=dict[str, str])
    places: Mapping[str, str] = field(default_factory=dict[str, str])
    changed: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Change:
    """An argument that is not as it was asked for; safe to print, but for its pointer."""

    pointer: str
    name: str
    before: str
    after: str


def begun(approval: Approval, *, raw: bool) -> Draft:
    """Returns the draft to begin with: the arguments as they were asked for."""
    if raw:
        return Draft(None, _spread(masked(approval.args, approval.args_schema)))
    return Draft(form_of(approval.args_schema, approval.args), "")


def typed(approval: Approval, posted: Posted) -> Draft:
    """Returns what was typed; nothing of it is lost, whatever is wrong with it."""
    verb, _, where = posted.one("do").partition(":")
    if posted.one("raw"):
        return Draft(None, posted.one("args")) if verb else _typed_json(approval, posted.one("args"))
    if verb == UNDO:
        posted = posted.without(where)
    form = form_of(approval.args_schema, approval.args, posted.fields)
    found = read(form)
    draft = Draft(form, "", places=found.places, errors=found.errors, changed=_changed(approval, found))
    if not found.errors:
        return replace(draft, args=found.value)
    count = len(found.errors)
    summary = f"{count} {'field needs' if count == 1 else 'fields need'} another look."
    return draft if verb else replace(draft, summary=summary)


def _changed(approval: Approval, found: Read) -> tuple[Change, ...]:
    """Returns what has been changed so far, as far as what was typed can be read."""
    wrong = {pointer.split("/")[1] for pointer in found.errors if pointer}
    schema = approval.args_schema
    names = sorted({*approval.args, *found.value} - {name for name in found.value if step(name) in wrong})
    told = ((name, changes(_only(approval.args, name), _only(found.value, name), schema)) for name in names)
    return tuple(Change(f"/{step(name)}", *change) for name, differing in told for change in differing)


def _only(args: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {name: args[name]} if name in args else {}


async def checked(services: Services, caller: Caller, approval: Approval, draft: Draft, digest_shown: str) -> Draft:
    """Returns the draft with what the schema, policy and the approval itself have against it; nothing is sent."""
    if draft.args is None:
        return draft
    body = DecisionBody(type="edit", digest=digest_shown, args=draft.args)
    try:
        await services.deciding.fitting(decision_request(approval.id, caller, body, None, services.clock()), approval)
    except RefusedError as error:
        return _refused(draft, error.refusal)
    return draft


def edit_page(request: Request, caller: Caller, approval: Approval, draft: Draft) -> Response:
    """Returns the page with the form."""
    return page(
        request,
        "edit.html",
        caller=caller,
        status=422 if draft.summary else 200,
        approval=approval,
        card=view(approval),
        sent=request.method == "POST",
        form=draft.form,
        raw=draft.form is None,
        text=draft.text,
        hides=has_secrets(approval.args_schema),
        summary=draft.summary,
        errors=draft.errors,
        changed=draft.changed,
        key=uuid.uuid4().hex,
    )


async def review_page(
    request: Request,
    caller: Caller,
    approval: Approval,
    args: dict[str, Any],
    posted: Posted,
    problem: str = "",
    *,
    risk: Risk,
) -> Response:
    """Returns the page that shows what would run instead, and what is different; only from here it is sent.

    Args:
        request: What asked for it.
        caller: Who reads it.
        approval: As it is now.
        args: The new arguments.
        posted: The form; what was typed in vain to confirm is said.
        problem: Why it could not be sent.
        risk: Of the edited call; it may be graver than that of the one asked for.
    """
    card = edited(approval, args)
    graded = replace(card, risk=risk)
    services = cast("Services", request.app.state.services)
    text, sealed = await put_away(services.auth.signer, caller, approval, args)
    return page(
        request,
        "review.html",
        caller=caller,
        approval=approval,
        card=graded,
        text=text,
        sealed=sealed,
        hides=has_secrets(approval.args_schema),
        changed=changes(approval.args, args, approval.args_schema),
        key=posted.one("key") or uuid.uuid4().hex,
        card_digest=card_digest(card),
        must_type=must_type(graded),
        typed=posted.one("typed"),
        graver=risk != approval.risk,
        problem=problem,
    )


def _typed_json(approval: Approval, text: str) -> Draft:
    try:
        return Draft(None, text, args=args_of(approval, text))
    except StrayMaskError as error:
        return Draft(None, text, summary=str(error))
    except MalformedJsonError as error:
        return Draft(None, text, summary=f"This is no JSON object: {error}.")


def _refused(draft: Draft, refusal: Refusal) -> Draft:
    """Returns the draft with each error at its field."""
    found = refusal.details.get("errors", [])
    errors: dict[str, str] = {}
    for one in found:
        place = str(one.get("pointer", "")).removeprefix(_ARGS)
        errors.setdefault(draft.places.get(place, place), str(one.get("message", "")))
    return replace(draft, args=None, summary=f"{CODES[refusal.code].title}. {refusal.message}", errors=errors)


def _spread(args: dict[str, Any]) -> str:
    """Returns arguments as JSON on several lines; integers keep all their digits."""
    return json.dumps(args, indent=2, ensure_ascii=False, sort_keys=True)
