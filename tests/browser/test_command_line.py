"""`placet login` and the keys of programs, as processes before a real gateway; the browser is the approver's own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from placet_testing.browser.fixtures import Opening
from placet_testing.browser.signing_in import ABROAD, Abroad, abroad, type_password
from placet_testing.browser.stack import SIGNED, Stack
from placet_testing.deployment import Json

COMMAND = (sys.executable, "-m", "placet.cli")
NOT_ALLOWED = 4


@dataclass(frozen=True)
class CommandLine:
    """Somebody's terminal, with a home of its own.

    Attributes:
        environment: What its programs are told.
    """

    environment: dict[str, str]

    @classmethod
    def before(cls, url: str, home: Path, **environment: str) -> CommandLine:
        """Returns one that speaks to a gateway."""
        told = {"PLACET_URL": url, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "PATH": os.environ["PATH"]}
        return cls({**told, "LANG": "C.UTF-8", **environment})

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Starts a command."""
        return subprocess.Popen(
            [*COMMAND, *words], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def __call__(self, *words: str, code: int = 0) -> Any:
        """Runs a command to its end, which has to be this exit code, and returns its document."""
        with self.start(*words, "--json") as process:
            out, err = process.communicate(timeout=60)
        assert process.returncode == code, f"{words}: {process.returncode}\n{out}\n{err}"
        return json.loads(out)


def test_a_command_line_signs_in_by_a_browser_decides_and_signs_out(
    stack: Stack, open_page: Opening, tmp_path: Path
) -> None:
    cli = CommandLine.before(stack.url(gateway=SIGNED), tmp_path)
    cli("whoami", code=NOT_ALLOWED)
    with cli.start("login", "--no-browser") as login:
        assert login.stdout is not None
        address = login.stdout.readline().removeprefix("Open ").strip()
        code = login.stdout.readline().rpartition(" ")[2].strip()
        assert re.fullmatch("[0-9A-F]{4}-[0-9A-F]{4}", code)
        page = open_page(address.removeprefix(stack.url(gateway=SIGNED)), gateway=SIGNED)
        type_password(page, "dana")
        page.get_by_label("The code that your terminal shows").fill(code)
        page.get_by_role("button", name="Sign it in").click()
        expect(page.get_by_role("heading", name="Your command line is signed in")).to_be_visible()
        out, err = login.communicate(timeout=60)
    assert (login.returncode, out) == (0, "Signed in as Dana Ito.\n"), err
    kept = tmp_path / "placet" / "credentials.json"
    assert kept.stat().st_mode & 0o077 == 0

    me = cli("whoami")
    assert (me["id"], me["method"], me["client"]) == ("user:dana", "session", "cli")
    approval = stack.asked("bot", SIGNED)
    assert cli("approve", approval["id"])["decision"]["by"] == {"id": "user:dana", "name": "Dana Ito", "via": "cli"}
    assert cli("logout") == {"schema_version": 1, "signed_in": False}
    assert json.loads(kept.read_text()) == {}
    cli("whoami", code=NOT_ALLOWED)


@dataclass(frozen=True)
class Keys:
    """A gateway that knows Carla, by two keys that `placet key create` has made."""

    abroad: Abroad
    made: list[Json]


@pytest.fixture(scope="module")
def keys(browser_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    browser_stack.start()
    cli = CommandLine.before("http://127.0.0.1:9", tmp_path_factory.mktemp("home"))
    made = [cli("key", "create", "carla") for _ in range(2)]
    carla = {"name": "Carla", "roles": ["approver"], "keys": [one["sha256"] for one in made]}
    with abroad(browser_stack, {"carla": carla}) as gateway:
        yield Keys(gateway, made)


def test_a_key_that_is_revoked_opens_nothing_and_ends_what_it_has_opened(keys: Keys, tmp_path: Path) -> None:
    stack = keys.abroad.stack
    url = stack.url(gateway=ABROAD)
    first, second = (CommandLine.before(url, tmp_path, PLACET_API_KEY=one["key"]) for one in keys.made)
    assert [cli("whoami")["id"] for cli in (first, second)] == ["user:carla"] * 2
    listed = first("key", "list")["items"]
    assert [one["revoked_at"] for one in listed] == [None, None]
    (own,) = [one["id"] for one in listed if one["current"]]

    with second.start("watch", "--json") as watching:
        stack.wait(lambda: stack.streams(ABROAD) == 1)
        stack.asked("bot", ABROAD)
        assert watching.stdout is not None
        assert json.loads(watching.stdout.readline())["type"] == "approval.requested"
        assert second("key", "revoke", own)["revoked_by"] == "user:carla"
        first("whoami", code=NOT_ALLOWED)
        first("key", "list", code=NOT_ALLOWED)
        assert watching.poll() is None, "another key of the same person goes on"
        (other,) = [one["id"] for one in listed if one["id"] != own]
        second("key", "revoke", other)
        watching.communicate(timeout=60)
        assert watching.returncode == NOT_ALLOWED
    second("inbox", code=NOT_ALLOWED)


def test_nobody_sees_or_revokes_the_keys_of_others(keys: Keys, tmp_path: Path) -> None:
    url = keys.abroad.stack.url(gateway=ABROAD)
    dana = CommandLine.before(url, tmp_path, PLACET_API_KEY="key-of-dana")
    assert {one["user"] for one in dana("key", "list")["items"]} == {"user:dana"}
    dana("key", "revoke", keys.made[0]["sha256"].removeprefix("sha256:")[:12], code=7)
