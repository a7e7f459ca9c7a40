"""What signing in works with, put together from the settings and the configuration."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from placet.api.auth.accounts import Accounts
from placet.api.auth.admission import Admission
from placet.api.auth.csrf import FormGuard
from placet.api.auth.directory import Directory
from placet.api.auth.keys import KeyRing, Revocations
from placet.api.auth.limits import Guesses, Limiter, Rate
from placet.api.auth.oidc.provider import Provider
from placet.api.auth.secrets import Signer
from placet.api.auth.sessions import Lifetimes, Sessions
from placet.api.errors import AccountFileError

if TYPE_CHECKING:
    from placet.api.decisions.delivery import Clock
    from placet.contracts.config import Config
    from placet.contracts.sign_in import Oidc
    from placet.engine.settings import Settings
    from placet.ledger import Ledger

PER_ADDRESS: Final = Rate(30, 300)
"""Wrong passwords from one address, of whatever accounts."""
PER_ACCOUNT_AND_ADDRESS: Final = Rate(10, 900)
"""Wrong passwords of one account from one address: ten at once, then one each minute and a half."""
PER_ACCOUNT: Final = Rate(100, 900)
"""Wrong passwords of one account from everywhere: so many that no stranger easily locks its owner out."""


@dataclass(frozen=True)
class Auth:
    """Everything about who may come in.

    Attributes:
        ways: How people sign in with a browser; empty where only keys do.
        sessions: None where nobody signs in by a browser.
        decisions: How often one person may decide; None on local mode, where there is one person and no stranger.
    """

    directory: Directory
    keys: KeyRing
    revocations: Revocations
    signer: Signer
    forms: FormGuard
    ways: tuple[Literal["oidc", "account"], ...]
    sessions: Sessions | None
    accounts: Accounts | None
    provider: Provider | None
    guesses: Guesses
    decisions: Limiter | None
    admission: Admission


def auth_of(settings: Settings, config: Config, ledger: Ledger, clock: Clock) -> Auth:
    """Returns who may come in, by the settings and the configuration.

    Raises:
        AccountFileError: The account file cannot be read, or is wrong.
    """
    people = config.people
    ways = people.sign_in if people else None
    signer = Signer(ledger.seal_key)
    lifetimes = Lifetimes(settings.session_idle, settings.session_length)
    sessions = Sessions(ledger.access, signer, clock, lifetimes) if ways else None
    accounts = None
    if people and ways and ways.accounts:
        accounts = Accounts.read(folder_of(settings) / ways.accounts, people)
    ways_oidc = ways.oidc if ways else None
    provider = Provider(ways_oidc, _secret(settings, ways_oidc), clock) if ways_oidc else None
    tokens = provider if ways_oidc and ways_oidc.audience else None
    keys = KeyRing.of(people)
    revocations = Revocations(ledger.access)
    rate = Rate(settings.decisions_per_minute, 60)
    return Auth(
        directory=Directory(people, keys, revocations, sessions, tokens, keep_addresses=settings.keep_addresses),
        keys=keys,
        revocations=revocations,
        signer=signer,
        forms=FormGuard(signer, settings.cors_origins),
        ways=(*(("oidc",) if provider else ()), *(("account",) if accounts else ())),
        sessions=sessions,
        accounts=accounts,
        provider=provider,
        guesses=Guesses(
            per_address=Limiter(PER_ADDRESS, clock),
            per_pair=Limiter(PER_ACCOUNT_AND_ADDRESS, clock),
            per_account=Limiter(PER_ACCOUNT, clock),
        ),
        decisions=Limiter(rate, clock) if people else None,
        admission=Admission(ledger.access, revocations, clock),
    )


def _secret(settings: Settings, oidc: Oidc) -> str | None:
    """Returns the client's secret, from where the configuration says that it is."""
    if oidc.client_secret_file is not None:
        path = folder_of(settings) / oidc.client_secret_file
        try:
            return path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise AccountFileError(str(path), 0, f"cannot be read: {error}") from error
    if oidc.client_secret_env is None:
        return None
    secret = os.environ.get(oidc.client_secret_env, "").strip()
    if not secret:
        missing = "the variable is not set, and should hold the client's secret"
        raise AccountFileError(oidc.client_secret_env, 0, missing)
    return secret


def folder_of(settings: Settings) -> Path:
    """Returns the folder that the paths of the configuration begin in."""
    return settings.config.resolve().parent if settings.config else Path.cwd()
