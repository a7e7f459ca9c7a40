"""`/inbox/several`, and `/runs/{id}/turns/{n}`: one form, and a result for each approval."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast

from fastapi import APIRouter, Request
from starlette.responses import Response

from placet.api.access import Gateway, SignedIn
from placet.api.approvals.listing import viewer_of
from placet.api.bodies import invalid_request
from placet.api.decisions.batch import BatchItem
from placet.api.decisions.deciding import decision_id
from placet.api.identity import Caller
from placet.api.rights import check_may_decide
from placet.api.runs.endpoints import visible_run
from placet.api.services import Services
from placet.cards import words
from placet.cards.view import view
from placet.contracts.approvals import Approval
from placet.ledger import ApprovalQuery
from placet.web import pieces
from placet.web.answers import page
from placet.web.posted import Posted
from placet.web.routing import PageRoute
from placet.web.several.picking import DECISIONS, MOST, Pick, picked, seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placet.api.decisions.batch import Result

_DIGEST: Final = "digest-"
_GONE: Final = "There is no such call in this turn, or you cannot see it."

router: Final = APIRouter(include_in_schema=False, route_class=PageRoute)


@dataclass(frozen=True)
class ItemResult:
    """What became of one decision, in words."""

    title: str
    approval_id: str
    counted: bool
    said: str


@router.post("/inbox/several")
async def show_picked(request: Request, caller: SignedIn, services: Gateway) -> Response:
    """Shows what was picked before anything is decided, and what differs between them."""
    posted = Posted.by(request)
    kind = _kind(posted.one("type"))
    found = await picked(services, caller, _picks(posted), kind)
    return page(
        request,
        "several.html",
        caller=caller,
        kind=kind,
        taken=[one for one in found if one.why_not is None],
        left=[one for one in found if one.why_not is not None],
        batch=uuid.uuid4().hex,
    )


@router.post("/inbox/several/decision")
async def decide_picked(request: Request, caller: SignedIn, services: Gateway) -> Response:
    """Decides on everything that was picked and still may be, and shows a result for each."""
    posted = Posted.by(request)
    kind = _kind(posted.one("type"))
    key = _key(posted, kind)
    found = await picked(services, caller, _picks(posted), kind)
    taken = [one for one in found if one.why_not is None or _is_ours(one.approval, caller, key)]
    items = [_item(one.approval, kind, key, one.approval.digest, posted.text("message")) for one in taken]
    decided = await _decided(services, caller, items, {one.approval.id: one.approval for one in taken})
    left = [
        ItemResult(one.card.title, one.approval.id, counted=False, said=one.why_not or "")
        for one in found
        if one not in taken
    ]
    return page(request, "results.html", caller=caller, results=[*decided, *left], back="/inbox")


@router.get("/runs/{run_id}/turns/{turn}")
async def show_turn(
    request: Request, run_id: str, turn: int, caller: SignedIn, services: Gateway, cursor: str = ""
) -> Response:
    """Shows the calls of a turn that were put before a person, so many at a time, with a choice for each."""
    run = await visible_run(services, caller, run_id)
    now = services.clock()
    every = ApprovalQuery(
        statuses=(), run_id=run.id, turn=turn, sort="requested_at", limit=MOST, visible_to=viewer_of(caller)
    )
    found = await services.ledger.approvals(replace(every, cursor=cursor or None), now)
    cards = [
        (one, view(one), _may_choose(services, caller, one)) for one in map(services.links.on_approval, found.items)
    ]
    return page(
        request,
        "turn.html",
        caller=caller,
        run=run,
        turn=turn,
        cards=cards,
        in_all=await services.ledger.count_approvals(every, now),
        waiting=await services.ledger.count_approvals(replace(every, statuses=("pending",)), now),
        next_page=pieces.address(request.url.path, {"cursor": found.next_cursor}) if found.next_cursor else None,
        batch=uuid.uuid4().hex,
    )


@router.post("/runs/{run_id}/turns/{turn}")
async def decide_turn(request: Request, run_id: str, turn: int, caller: SignedIn, services: Gateway) -> Response:
    """Decides on the calls of a turn as chosen for each; what was left alone goes on waiting."""
    posted = Posted.by(request)
    run = await visible_run(services, caller, run_id)
    chosen = _chosen(posted)
    found = await _of_turn(services, caller, run.id, turn, [approval_id for approval_id, _ in chosen])
    items: list[BatchItem] = []
    left: list[ItemResult] = []
    for approval_id, kind in chosen:
        approval, key = found.get(approval_id), _key(posted, kind)
        why_not = _GONE if approval is None else _why_not(services, caller, approval, kind, key)
        if approval is None or why_not is not None:
            title = view(approval).title if approval else f"Approval {pieces.short(approval_id)}"
            left.append(ItemResult(title, approval_id, counted=False, said=why_not or _GONE))
            continue
        message = posted.text(f"message-{approval_id}")
        items.append(_item(approval, kind, key, posted.one(f"digest-{approval_id}"), message))
    decided = await _decided(services, caller, items, found)
    return page(request, "results.html", caller=caller, results=[*decided, *left], back=f"/runs/{run.id}/turns/{turn}")


def _chosen(posted: Posted) -> list[tuple[str, str]]:
    """Returns what was chosen for each approval that the form showed, and not left waiting.

    The button for all of them decides only on those for which nothing was chosen.
    """
    shown = [name.removeprefix(_DIGEST) for name in posted.fields if name.startswith(_DIGEST)]
    if len(shown) > MOST:
        raise invalid_request([{"pointer": "", "message": f"decide on {MOST} calls at most"}])
    chosen = [(one, posted.one(f"type-{one}") or posted.one("all")) for one in shown]
    return [(approval_id, kind) for approval_id, kind in chosen if kind in DECISIONS]


def _why_not(services: Services, caller: Caller, approval: Approval, kind: str, key: str) -> str | None:
    """Returns why a choice is not sent; what another person did first is told by the answer to it."""
    if kind not in approval.allowed_decisions:
        return f"It does not take {kind}."
    refusal = check_may_decide(caller, approval, local=services.directory.local)
    if refusal is not None:
        return refusal.message
    if approval.status != "pending" or _is_ours(approval, caller, key) or _may_choose(services, caller, approval):
        return None
    return "It needs individual review: open it to decide."


def _key(posted: Posted, kind: str) -> str:
    """Returns the idempotency key of a form: sent again it changes nothing, and answers the same."""
    return f"{posted.one('batch')[:64] or uuid.uuid4().hex}-{kind}"


def _is_ours(approval: Approval, caller: Caller, key: str) -> bool:
    """Returns whether this form, sent before, has decided on the approval."""
    return approval.decision is not None and approval.decision.id == decision_id(approval.id, caller, key)


def _item(approval: Approval, kind: str, key: str, digest: str, message: str | None) -> BatchItem:
    return BatchItem(
        approval_id=approval.id,
        idempotency_key=key,
        type=kind,
        digest=digest,
        message=message if kind == "reject" else None,
    )


async def _decided(
    services: Services, caller: Caller, items: Sequence[BatchItem], known: dict[str, Approval]
) -> list[ItemResult]:
    if not items:
        return []
    results = await services.batch.decide(replace(caller, via="web"), tuple(items))
    return [_result_of(result, known[result.approval_id]) for result in results]


def _result_of(result: Result, before: Approval) -> ItemResult:
    counted, said = _said(result)
    return ItemResult(view(before).title, result.approval_id, counted, said)


def _said(result: Result) -> tuple[bool, str]:
    if isinstance(result.body, Approval):
        return True, words.outcome(result.body)
    if isinstance(result.body, dict):
        problem = cast("dict[str, Any]", result.body)
        now = problem.get("approval")
        lost = f"{problem['title']}. Your decision was not recorded."
        return False, words.lost(Approval.model_validate(now)) if now else lost
    return True, "Recorded: it takes effect as soon as a worker runs."


def _may_choose(services: Services, caller: Caller, approval: Approval) -> bool:
    """Returns whether the form of a turn offers a choice: not where a risk is grave, or something is not shown."""
    card = view(approval)
    return (
        approval.status == "pending"
        and not approval.recorded
        and approval.kind == "tool_call"
        and not card.grave
        and not card.collapsed
        and card.intact
        and check_may_decide(caller, approval, local=services.directory.local) is None
    )


async def _of_turn(
    services: Services, caller: Caller, run_id: str, turn: int, ids: Sequence[str]
) -> dict[str, Approval]:
    """Returns those of the approvals that are of the turn, and the caller's to see."""
    found = await asyncio.gather(*(seen(services, caller, one) for one in ids))
    return {one.id: one for one in found if one is not None and (one.run_id, one.turn) == (run_id, turn)}


def _picks(posted: Posted) -> list[Pick]:
    given = list(dict.fromkeys(Pick.of(text) for text in posted.all("pick")))
    if not 1 <= len(given) <= MOST:
        raise invalid_request([{"pointer": "/pick", "message": f"select 1 to {MOST} approvals"}])
    return given


def _kind(given: str) -> str:
    if given not in DECISIONS:
        raise invalid_request([{"pointer": "/type", "message": "is approve or reject"}])
    return given
