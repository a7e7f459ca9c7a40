"""The gateway's proof that it has authenticated who decides.

Whoever may write to the Temporal namespace may claim any name. The gateway therefore seals what it
sends with a key that only the ledger holds; what comes without a valid seal is recorded and shown as
`via: temporal`.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from placet.contracts.canonical import canonical_text

if TYPE_CHECKING:
    from placet.contracts.decisions import Decision, Person


def seal(key: bytes, approval_id: str, decision_id: str, fingerprint: str, by: Person) -> str:
    """Returns the hex HMAC-SHA256 that binds a person to one decision on one approval.

    Args:
        key: The ledger's seal key.
        approval_id: 32 hex characters.
        decision_id: The decision's id.
        fingerprint: Of the decision's body, or of the withdrawal.
        by: Who was authenticated, and the way it came.
    """
    bound = canonical_text([approval_id, decision_id, fingerprint, by.model_dump()])
    return hmac.new(key, bound.encode(), hashlib.sha256).hexdigest()


def verify(key: bytes, given: str | None, approval_id: str, decision_id: str, fingerprint: str, by: Person) -> bool:
    """Returns whether the seal is the one that `seal` gives for the same arguments."""
    expected = seal(key, approval_id, decision_id, fingerprint, by)
    return given is not None and given.isascii() and hmac.compare_digest(expected, given)


def vouched(key: bytes, given: str | None, approval_id: str, decision_id: str, fingerprint: str, by: Person) -> Person:
    """Returns the person, with `via: temporal` where the seal does not vouch for them."""
    if verify(key, given, approval_id, decision_id, fingerprint, by):
        return by
    return by.model_copy(update={"via": "temporal"})


def decider(key: bytes, approval_id: str, decision: Decision) -> Person:
    """Returns who decided, with `via: temporal` where nobody but Temporal vouches for it."""
    return vouched(key, decision.seal, approval_id, decision.id, decision.fingerprint, decision.by)
