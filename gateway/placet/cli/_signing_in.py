"""`login`, `logout`, `whoami`, and the keys that the gateway knows."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
import webbrowser
from typing import TYPE_CHECKING, Final

from placet.cards.visible import one_line
from placet.cli._credentials import file_of, keep
from placet.cli._exits import ExitCode
from placet.cli._session import InputError, UsageError
from placet.client import LOCAL_URL, Client
from placet.client.errors import UnauthenticatedError

if TYPE_CHECKING:
    from placet.cli._session import Session
    from placet.client import KeyCard, Me

TOKEN_PREFIX: Final = "placet_session_"  # noqa: S105 - no secret
_BYTES: Final = 32
_PAUSE: Final = 2.0


def login(session: Session, *, browser: bool, patience: float) -> ExitCode:
    """Signs in through a browser, on this machine or any other, and keeps the token."""
    url = gateway_url()
    if _is_open(session):
        return _done(session, session.client.me(), "Nobody signs in here: this is local mode.")
    token = TOKEN_PREFIX + secrets.token_urlsafe(_BYTES)
    name = hashlib.sha256(token.encode()).hexdigest()
    address = f"{url}/sign-in/command-line?session={name}"
    session.out.say(f"Open {address}")
    session.out.say(f"and type this code there: {name[:4].upper()}-{name[4:8].upper()}")
    if browser and session.interactive:
        webbrowser.open(address)
    me = _wait(Client(url, token, via="cli"), patience)
    if me is None:
        session.out.document({"title": "Not done", "code": "unauthenticated", "detail": "Nobody signed in in time."})
        session.out.warn("Nobody signed in in time.")
        return ExitCode.NOT_ALLOWED
    _keep(url, token)
    return _done(session, me, f"Signed in as {one_line(me.name or me.id)}.")


def logout(session: Session) -> ExitCode:
    """Ends the session at the gateway and forgets the token."""
    if os.environ.get("PLACET_API_KEY"):
        message = "PLACET_API_KEY is set: a key is revoked with `placet key revoke`, not signed out."
        raise UsageError(message)
    try:
        session.client.sign_out()
    except UnauthenticatedError:
        session.out.warn("There was no session any more.")
    _keep(gateway_url(), None)
    session.out.document({"signed_in": False})
    session.out.say("Signed out.")
    return ExitCode.DONE


def whoami(session: Session) -> ExitCode:
    """Says whom the gateway takes the caller for."""
    me = session.client.me()
    told = f"{me.name or me.id} ({me.id}), roles: {', '.join(me.roles) or 'none'}, by {me.method}"
    return _done(session, me, one_line(told))


def list_keys(session: Session) -> ExitCode:
    """Lists keys."""
    found = session.client.keys()
    session.out.document({"items": [one.model_dump(mode="json") for one in found]})
    session.out.say_all([_line(one) for one in found])
    return ExitCode.DONE


def revoke_key(session: Session, key_id: str) -> ExitCode:
    """Puts an end to a key."""
    key = session.client.revoke_key(key_id)
    session.out.document(key.model_dump(mode="json"))
    session.out.say(_line(key))
    return ExitCode.DONE


def gateway_url() -> str:
    """Returns the gateway's address, as the environment says."""
    return (os.environ.get("PLACET_URL") or LOCAL_URL).rstrip("/")


def _keep(url: str, token: str | None) -> None:
    """Keeps or forgets the token of a gateway.

    Raises:
        InputError: The folder for it cannot be written.
    """
    try:
        keep(url, token)
    except OSError as error:
        message = f"{file_of()} cannot be written ({error.strerror}); XDG_CONFIG_HOME names another folder for it."
        raise InputError(message) from error


def _is_open(session: Session) -> bool:
    try:
        return session.client.me().method == "local"
    except UnauthenticatedError:
        return False


def _wait(client: Client, patience: float) -> Me | None:
    give_up = time.monotonic() + patience
    with client:
        while time.monotonic() < give_up:
            try:
                return client.me()
            except UnauthenticatedError:
                time.sleep(min(_PAUSE, max(0.0, give_up - time.monotonic())))
    return None


def _done(session: Session, me: Me, said: str) -> ExitCode:
    session.out.document(me.model_dump(mode="json"))
    session.out.say(said)
    return ExitCode.DONE


def _line(key: KeyCard) -> str:
    state = f"revoked {key.revoked_at} by {key.revoked_by}" if key.revoked_at else "counts"
    return one_line(f"{key.id}  {key.user}  {state}{'  (this one)' if key.current else ''}")
