"""Secrets that somebody typed into an edit, on their way through the review: the page holds them sealed.

A page is kept by browsers and proxies, copied, and put on screens, so a new secret does not stand in it, hidden fields
included. What runs is bound to it all the same: the digest that is confirmed is of the arguments with the secret in
place. The seal opens in any gateway on the ledger, for the same person and the same approval only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from placet.contracts.canonical import MalformedJsonError, canonical_text, parse_object
from placet.contracts.secrets import unsaid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placet.api.auth.secrets import Signer
    from placet.api.identity import Caller
    from placet.contracts.approvals import Approval

FIELD = "sealed"


async def put_away(signer: Signer, caller: Caller, approval: Approval, args: Mapping[str, Any]) -> tuple[str, str]:
    """Returns new arguments as text with masks for secrets, and the seal of those that are new; empty without any."""
    masked, new = unsaid(dict(args), approval.args, approval.args_schema)
    text = canonical_text(masked)
    if not new:
        return text, ""
    held = {"approval": approval.id, "by": caller.id, "secrets": new}
    return text, await signer.sealed("draft", canonical_text(cast("Any", held)))


async def taken_out(signer: Signer, caller: Caller, approval: Approval, seal: str) -> dict[str, Any]:
    """Returns the secrets by pointer; none where the seal is not this person's for this approval."""
    text = await signer.unsealed("draft", seal) if seal else None
    try:
        held = parse_object(text or "{}")
    except MalformedJsonError:
        return {}
    if (held.get("approval"), held.get("by")) != (approval.id, caller.id):
        return {}
    return cast("dict[str, Any]", held.get("secrets"))
