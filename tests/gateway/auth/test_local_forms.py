"""Forms on local mode, where there is neither key nor session."""

from __future__ import annotations

import pytest

from placet_testing.gateway import Site, asked, problem, said

OURS = {"Origin": "http://127.0.0.1:7117", "Sec-Fetch-Site": "same-origin"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_programs_and_our_own_pages_need_no_token(local_site: Site) -> None:
    approval = await asked(local_site.client())
    assert (await said(local_site.client(**OURS), approval)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        FORM,
        {**FORM, **OURS},
        {**FORM, "Origin": "http://evil.example"},
        {**FORM, **OURS, "X-Placet-CSRF": "0" * 64},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_form_without_the_pages_token_changes_nothing(local_site: Site, headers: dict[str, str]) -> None:
    answer = await local_site.client(**headers).post("/v1/runs", content=b'{"agent": "billing", "input": "x"}')
    problem(answer, 403, "not_allowed")
    assert not local_site.temporal.runs


async def test_me_is_the_one_person_there_is(local_site: Site) -> None:
    me = (await local_site.client().get("/v1/me")).json()
    assert (me["id"], me["method"], me["credential"]) == ("user:local", "local", None)


async def test_nobody_signs_in_on_local_mode(local_site: Site) -> None:
    answer = await local_site.client().get("/sign-in", params={"next": "/inbox"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/inbox")
