"""What becomes of an approval, in words: the same ones in the web inbox, on the command line and in Temporal's UI."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final

from placet.cards.visible import one_line

if TYPE_CHECKING:
    from placet.contracts.approvals import Approval
    from placet.contracts.decisions import Person, Proof

_STEPS: Final = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "min"))
_THEN: Final = {"reject": "rejected, and the agent is told", "abort": "the run ends as expired"}
_METHODS: Final = {
    "account": "signed in with a password",
    "jwt": "by a token of the identity provider",
    "key": "by a key",
    "local": "nobody signs in on this machine",
    "oidc": "signed in at the identity provider",
}
_CREDENTIALS: Final = {"account": "session", "jwt": "token", "key": "key", "oidc": "session"}
WITHOUT_A_DECISION: Final = frozenset({"expired", "cancelled", "superseded"})
"""The ends that no decision brought."""


def status_words(approval: Approval) -> str:
    """Returns the status as it is shown: an approval whose decision is an edit is "approved with edits"."""
    if approval.status == "approved" and approval.decision is not None and approval.decision.type == "edit":
        return "approved with edits"
    if approval.status == "pending" and approval.recorded:
        return "pending, a decision is recorded"
    return approval.status


def person(by: Person) -> str:
    """Returns who it was and the way it came: `Dana Ito (web)`."""
    unverified = ", unverified" if by.via == "temporal" else ""
    return one_line(f"{by.name or by.id} ({by.via}{unverified})")


def known_by(proof: Proof) -> str:
    """Returns how the gateway knew who decided: `signed in at the identity provider, session 1f2e3d4c5b6a`."""
    what = _CREDENTIALS.get(proof.method)
    parts = [
        _METHODS.get(proof.method, proof.method),
        f"{what} {proof.credential}" if what and proof.credential else None,
        f"from {proof.address}" if proof.address else None,
    ]
    return one_line(", ".join(part for part in parts if part))


def card_seen(seen: str, now: str) -> str:
    """Returns which card somebody had before them.

    Args:
        seen: The digest of the card that they decided on.
        now: The digest of the card as it is made from the record.
    """
    same = "the card as it is made from the record" if seen == now else "another card than is made from the record now"
    return one_line(f"{same} ({seen})")


def outcome(approval: Approval, zone: tzinfo | None = UTC) -> str:
    """Returns one sentence: how it ended, by whom and when; or that it is pending."""
    if approval.status == "pending":
        return "Pending: a decision is recorded." if approval.recorded else "Pending."
    when = "" if approval.ended_at is None else f", {moment(approval.ended_at, zone)}"
    if approval.status == "expired":
        return f"Expired{when}: nobody decided in time."
    by = "" if approval.decision is None else f" by {person(approval.decision.by)}"
    return f"{status_words(approval).capitalize()}{by}{when}."


def lost(approval: Approval, zone: tzinfo | None = UTC) -> str:
    """Returns what a person reads whose decision came after another's, or too late."""
    said = outcome(approval, zone)
    if approval.status not in WITHOUT_A_DECISION:
        said = f"Already {said[0].lower()}{said[1:]}"
    return f"{said} Your decision was not recorded."


def deadline(approval: Approval, now: datetime, zone: tzinfo | None = UTC) -> str:
    """Returns until when somebody can decide, and what happens then."""
    if approval.expires_at is None:
        return "no expiry"
    then = _THEN[approval.on_expiry]
    left = approval.expires_at - now
    if left <= timedelta(0):
        return f"expired at {moment(approval.expires_at, zone)}"
    return f"expires in {span(left)} ({moment(approval.expires_at, zone)}), then: {then}"


def span(length: timedelta) -> str:
    """Returns a length of time in its two largest units: `2 d 3 h`, `41 min`, `12 s`."""
    rest = max(length, timedelta(0))
    parts: list[str] = []
    for step, unit in _STEPS:
        count, rest = divmod(rest, step)
        if count or parts:
            parts.append(f"{count} {unit}")
    shown = [part for part in parts[:2] if not part.startswith("0 ")]
    return " ".join(shown) or f"{int(rest.total_seconds())} s"


def moment(at: datetime, zone: tzinfo | None = UTC) -> str:
    """Returns an absolute time with its zone; None is the zone of this machine."""
    local = at.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M:%S} {local.tzname() or ''}".rstrip()


def stamp(at: datetime) -> str:
    """Returns the time in UTC as programs read it: `2026-07-01T14:02:11Z`."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
