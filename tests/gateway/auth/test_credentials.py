"""Keys and sessions come to an end, at once and everywhere: also for a stream that is open."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta

import pytest

from placet.api.auth.admission import Admission
from placet.api.feed.feed import Feed, Pace
from placet.api.identity import Caller
from placet.ledger import SessionRow
from placet_testing.gateway import Site, asked, mark_of, problem
from placet_testing.listening import listening


def id_of(user: str) -> str:
    return mark_of(user).removeprefix("sha256:")[:12]


@pytest.fixture
def site(site: Site) -> Site:
    """A gateway that looks often at who may still listen."""
    services = site.app.state.services
    feed = Feed(site.ledger, services.stopping, Pace(check=0.05), admission=services.auth.admission)
    site.app.state.services = dataclasses.replace(services, feed=feed)
    return site


async def test_everybody_sees_their_own_keys_and_an_admin_all(site: Site) -> None:
    own = (await site.client("eve").get("/v1/keys")).json()["items"]
    assert [(one["user"], one["revoked_at"]) for one in own] == [("user:eve", None)] * 2
    assert [one["id"] for one in own if one["current"]] == [id_of("eve")]
    every = (await site.client("root").get("/v1/keys")).json()["items"]
    assert {one["user"] for one in every} == {f"user:{name}" for name in SOME}
    assert mark_of("eve").removeprefix("sha256:") not in str(every)


SOME = ("audra", "both", "bot", "dana", "eve", "max", "nobody", "robot", "root")


async def test_a_revoked_key_opens_nothing_any_more_and_the_other_one_does(site: Site) -> None:
    other = (await site.client("eve").post(f"/v1/keys/{id_of('eve-phone')}/revoke")).json()
    assert (other["user"], other["revoked_by"], other["current"]) == ("user:eve", "user:eve", False)
    problem(await site.client("eve-phone").get("/v1/me"), 401, "unauthenticated")
    assert (await site.client("eve").get("/v1/me")).status_code == 200
    again = (await site.client("root").post(f"/v1/keys/{id_of('eve-phone')}/revoke")).json()
    assert again == other, "who was first is kept"


@pytest.mark.parametrize("key", ["0" * 12, "", "x", id_of("dana"), mark_of("eve").removeprefix("sha256:")])
async def test_a_key_of_somebody_else_is_not_there(site: Site, key: str) -> None:
    problem(await site.client("eve").post(f"/v1/keys/{key}/revoke"), 404, "not_found")
    assert (await site.client("dana").get("/v1/me")).status_code == 200


async def test_an_agent_does_not_look_at_keys(site: Site) -> None:
    problem(await site.client("robot").get("/v1/keys"), 403, "not_allowed")


async def test_an_open_stream_ends_when_its_key_is_revoked_and_no_other_does(site: Site) -> None:
    async with listening(site, "eve-phone") as hers, listening(site, "dana") as other:
        await site.client("root").post(f"/v1/keys/{id_of('eve-phone')}/revoke")
        await hers.until(closed=True)
        await asked(site.client("bot"))
        await other.until(events=1)
        assert not other.closed
        assert hers.events == []


async def test_only_an_admin_ends_the_sessions_of_somebody_else(site: Site) -> None:
    now = site.clock()
    end = now + timedelta(hours=1)
    for number in range(2):
        session = SessionRow(f"{number}" * 64, "dana", "account", None, (), (), now, now, now, end, end)
        await site.ledger.access.open_session(session)
    problem(await site.client("eve").post("/v1/sessions/revoke", json={"user": "dana"}), 403, "not_allowed")
    assert (await site.client("eve").post("/v1/sessions/revoke")).json() == {"user": "user:eve", "ended": 0}
    ended = await site.client("root").post("/v1/sessions/revoke", json={"user": "user:dana"})
    assert ended.json() == {"user": "user:dana", "ended": 2}


async def test_who_is_told_to_go(make_site: Callable[..., Site]) -> None:
    site = make_site()
    now, later = site.clock(), site.clock() + timedelta(hours=1)
    admission: Admission = site.app.state.services.auth.admission
    idle = SessionRow("a" * 64, "dana", "oidc", None, (), (), now, now, now, later, later)
    ended = dataclasses.replace(idle, id="b" * 64)
    for session in (idle, ended):
        await site.ledger.access.open_session(session)
    await site.ledger.access.revoke_session(ended.id, now)
    of = {name: Caller("dana", method="session", credential=name * 12) for name in "ab"}
    token = Caller("robot", method="jwt", credential="t", ends_at=now + timedelta(minutes=5))
    local = Caller("local")
    everybody = [*of.values(), token, local]
    assert await admission.gone(everybody) == {of["b"]}
    site.clock.advance(minutes=5)
    assert await admission.gone(everybody) == {of["b"], token}
    site.clock.advance(hours=1)
    assert await admission.gone(everybody) == {*of.values(), token}
