"""High and critical risk: who decides has proved who they are lately, and was asked once more in a browser."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from placet.api.errors import ProblemError

if TYPE_CHECKING:
    from datetime import datetime

    from placet.api.identity import Caller
    from placet.contracts.approvals import Approval

FRESH: Final = timedelta(minutes=10)
RISKY: Final = frozenset({"high", "critical"})
RUNS_SOMETHING: Final = frozenset({"approve", "edit"})
"""The decisions after which the tool runs; to say no is always one step."""


def needs_sign_in(caller: Caller, approval: Approval, now: datetime) -> bool:
    """Returns whether the caller has to sign in again before they decide on this.

    Only where the identity provider has signed them in, in a browser or with a token: it can ask them again.
    """
    by_provider = caller.way == "oidc" or caller.method == "jwt"
    if not by_provider or approval.risk not in RISKY:
        return False
    return caller.authenticated_at is None or now - caller.authenticated_at > FRESH


def check_fresh(caller: Caller, approval: Approval, now: datetime) -> None:
    """Refuses a decision of somebody who has not proved who they are lately.

    Raises:
        ProblemError: `unauthenticated`, with where to sign in (as RFC 9470 has it).
    """
    if needs_sign_in(caller, approval, now):
        raise ProblemError(
            code="unauthenticated",
            detail="Sign in again: a decision of this risk needs a sign-in of the last ten minutes.",
            max_age=int(FRESH.total_seconds()),
            sign_in=sign_in_again(approval),
        )


def check_confirmed(caller: Caller, approval: Approval, kind: str, *, confirmed: bool) -> None:
    """Refuses to let a grave call run for a browser that did not ask once more, as the page of the approval does.

    A program has nobody to ask: its key or token is enough, with the digest.

    Raises:
        ProblemError: `not_allowed`.
    """
    if caller.by_cookie and kind in RUNS_SOMETHING and approval.risk in RISKY and not confirmed:
        detail = (
            f"In a browser a call of this risk is let run from its page, /approvals/{approval.id}, after a second look."
        )
        raise ProblemError(code="not_allowed", detail=detail)


def sign_in_again(approval: Approval) -> str:
    """Returns the path at which somebody proves again who they are, and comes back to the approval."""
    return f"/sign-in?next={quote(f'/approvals/{approval.id}', safe='')}&fresh=1"
