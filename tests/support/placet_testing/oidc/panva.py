"""A real identity provider: panva's oidc-provider, which is certified, started on loopback."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpx
from bs4 import BeautifulSoup

from placet.contracts.sign_in import Oidc
from placet.engine.errors import ProvisionError
from placet_testing.node_packages import node_packages
from placet_testing.oidc.forger import AUDIENCE
from placet_testing.servers import unavailable

SOURCE: Final = Path(__file__).parent / "provider"
SECRET: Final = "a secret of the tests"  # noqa: S105
SECRET_VARIABLE: Final = "PLACET_TEST_OIDC_SECRET"  # noqa: S105 - a name
GROUPS: Final = {"dana": ["approvers"], "olga": ["bosses"], "nina": []}
_STEPS: Final = 12


@dataclass(frozen=True)
class Panva:
    """The provider.

    Attributes:
        url: Its issuer.
    """

    url: str

    def oidc(self, **changed: Any) -> Oidc:
        """How a gateway knows it."""
        given: dict[str, Any] = {
            "issuer": self.url,
            "client_id": "placet",
            "client_secret_env": SECRET_VARIABLE,
            "roles": {"approver": ["approvers"], "admin": ["bosses"]},
            "audience": AUDIENCE,
            **changed,
        }
        return Oidc(**given)

    def rotate(self) -> None:
        """Throws its key away and makes another."""
        httpx.post(f"{self.url}/rotate").raise_for_status()

    def age(self, passed: timedelta) -> None:
        """Lets time pass for everybody who has signed in there."""
        httpx.post(f"{self.url}/age/{int(passed.total_seconds())}").raise_for_status()

    def access_token(self) -> str:
        """A token of a program, by its own secret."""
        form = {"grant_type": "client_credentials", "resource": AUDIENCE, "scope": "api"}
        answer = httpx.post(f"{self.url}/token", data=form, auth=("robot", "another one"))
        return str(answer.raise_for_status().json()["access_token"])


class Visitor:
    """Somebody's browser at the provider: it fills in the forms, and keeps the provider's cookies.

    Attributes:
        typed: How often a name and a password had to be typed.
    """

    def __init__(self, login: str) -> None:
        self.login = login
        self.typed = 0
        self._http = httpx.Client(timeout=20)

    def close(self) -> None:
        self._http.close()

    def pass_through(self, address: str) -> str:
        """Goes where the gateway sends, does what is asked for, and returns the address that leads back."""
        answer = self._http.get(address)
        for _ in range(_STEPS):
            if answer.is_redirect:
                onward = urljoin(str(answer.url), answer.headers["location"])
                if urlsplit(onward).path == "/sign-in/callback":
                    return onward
                answer = self._http.get(onward)
            else:
                answer = self._submit(answer)
        message = f"the provider leads nowhere: {answer.status_code} {answer.text[:500]}"
        raise AssertionError(message)

    def sees(self, address: str) -> int:
        """Returns the status of a page at the provider."""
        return self._http.get(address).status_code

    def _submit(self, page: httpx.Response) -> httpx.Response:
        form = BeautifulSoup(page.text, "html.parser").find("form")
        assert form is not None, page.text[:500]
        fields = {str(one["name"]): str(one.get("value", "")) for one in form.select("input[name]")}
        if "login" in fields:
            self.typed += 1
            fields |= {"login": self.login, "password": "any"}
        return self._http.post(urljoin(str(page.url), str(form["action"])), data=fields)


@contextmanager
def running_panva(port: int, redirects: list[str], host: str = "127.0.0.1") -> Generator[Panva]:
    """Starts the provider for gateways at these addresses, and ends it.

    Args:
        port: Where it listens.
        redirects: The gateways.
        host: Of its issuer; to a browser another address of this machine is another site.
    """
    try:
        folder = node_packages("oidc-provider", SOURCE)
    except ProvisionError as error:
        unavailable(str(error))
    shutil.copy(SOURCE / "server.js", folder)
    given = {"host": host, "port": port, "redirects": redirects, "groups": GROUPS, "audience": AUDIENCE}
    command = ("node", "server.js", json.dumps(given))
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield Panva(f"http://{host}:{port}")
        finally:
            process.kill()
