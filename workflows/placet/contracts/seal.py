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
    from placet.contracts.decisions import Decision, Person, Proof


def seal(
    key: bytes, approval_id: str, decision_id: str, fingerprint: str, by: Person, proof: Proof | None = None
) -> str:
    """Returns the hex HMAC-SHA256 that binds a person to one decision on one approval.

    Args:
        key: The ledger's seal key.
        approval_id: 32 hex characters.
        decision_id: The decision's id.
        fingerprint: Of the decision's body, or of the withdrawal.
        by: Who was authenticated, and the way it came.
        proof: How, and what they had before them; a withdrawal has none.
    """
    proved = () if proof is None else (proof.model_dump(mode="json"),)
    bound = canonical_text([approval_id, decision_id, fingerprint, by.model_dump(), *proved])
    return hmac.new(key, bound.encode(), hashlib.sha256).hexdigest()


def verify(
    key: bytes,
    given: str | None,
    approval_id: str,
    decision_id: str,
    fingerprint: str,
    by: Person,
    proof: Proof | None = None,
) -> bool:
    """Returns whether the seal is the one that `seal` gives for the same arguments."""
    expected = seal(key, approval_id, decision_id, fingerprint, by, proof)
    return given is not None and given.isascii() and hmac.compare_digest(expected, given)


def vouched(key: bytes, given: str | None, approval_id: str, decision_id: str, fingerprint: str, by: Person) -> Person:
    """Returns the person, with `via: temporal` where the seal does not vouch for them."""
    if verify(key, given, approval_id, decision_id, fingerprint, by):
        return by
    return by.model_copy(update={"via": "temporal"})


def attested(key: bytes, approval_id: str, decision: Decision) -> Decision:
    """Returns the decision as far as its seal vouches for it: else `via: temporal`, and nothing proved."""
    if verify(key, decision.seal, approval_id, decision.id, decision.fingerprint, decision.by, decision.proof):
        return decision
    by = decision.by.model_copy(update={"via": "temporal"})
    return decision.model_copy(update={"by": by, "proof": None})
