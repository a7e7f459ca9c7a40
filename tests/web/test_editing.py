"""Editing and answering by forms: reviewed before anything is sent, and everything wrong is said where it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bs4 import BeautifulSoup, Tag

from placet.api.policy import ConfiguredPolicy
from placet.contracts.config import PolicyConfig, Rule
from placet_testing.gateway import QUESTION, Site, asked, config_of, said
from placet_testing.web import as_sent, on_a_page, read


def form(page: BeautifulSoup, selector: str) -> Tag:
    found = page.select_one(selector)
    assert isinstance(found, Tag), selector
    return found


async def test_an_edit_is_reviewed_and_then_runs_as_reviewed(local_site: Site) -> None:
    client = local_site.client()
    approval = await asked(client)
    path = f"/approvals/{approval['id']}"
    sent = as_sent(form(read(await client.get(f"{path}/edit")), "form.editing"), **{"v:/amount": "99.5"})
    review = read(await client.post(f"{path}/edit", data=sent))
    assert "1 change" in review.text
    assert (await client.get(f"/v1{path}")).json()["status"] == "pending"
    answer = await client.post(f"{path}/decision", data=as_sent(form(review, "form[data-decide=edit]")))
    assert answer.status_code == 303
    now = (await client.get(f"/v1{path}")).json()
    assert (now["status"], now["decision"]["type"]) == ("approved", "edit")
    assert now["decision"]["args"] == {"amount": 99.5, "order": "A-1"}
    assert "Approved with edits" in read(await client.get(path)).text


async def test_an_edit_as_json_keeps_every_digit(local_site: Site) -> None:
    client = local_site.client()
    approval = await asked(client, args_schema=None, args={"amount": 1, "order": 2**70})
    path = f"/approvals/{approval['id']}"
    editing = form(read(await client.get(f"{path}/edit?raw=1")), "form.editing")
    assert str(2**70) in as_sent(editing)["args"][0]
    sent = as_sent(editing, args=f'{{"amount": 1, "order": {2**70 + 1}}}')
    review = read(await client.post(f"{path}/edit", data=sent))
    await client.post(f"{path}/decision", data=as_sent(form(review, "form[data-decide=edit]")))
    assert (await client.get(f"/v1{path}")).json()["decision"]["args"]["order"] == 2**70 + 1


async def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(local_site: Site) -> None:
    client = await on_a_page(local_site.client())
    approval = await asked(client)
    path = f"/approvals/{approval['id']}"
    editing = form(read(await client.get(f"{path}/edit")), "form.editing")
    unset = as_sent(editing, **{"v:/amount": "lots", "v:/order": "kept"})
    page = read(await client.post(f"{path}/edit", data=unset), 422)
    assert page.select_one("[name='v:/amount'][aria-invalid=true]")
    assert as_sent(form(page, "form.editing"))["v:/order"] == ["kept"]
    assert page.select_one("#summary a[href='#f-amount']")
    raw = read(await client.post(f"{path}/edit", data={"raw": "1", "args": '{"amount": "x"}', "digest": "d"}), 422)
    assert '{"amount": "x"}' in raw.text
    denied = as_sent(editing, **{"v:/amount": "5000"})
    page = read(await client.post(f"{path}/edit", data=denied), 422)
    assert "never over 1000" in page.text
    assert (await client.get(f"/v1{path}")).json()["status"] == "pending"


async def test_what_was_typed_is_shown_back_where_somebody_else_was_quicker(local_site: Site) -> None:
    client = local_site.client()
    for query, field in (("", "v:/order"), ("?raw=1", "args")):
        approval = await asked(client)
        path = f"/approvals/{approval['id']}"
        editing = form(read(await client.get(f"{path}/edit{query}")), "form.editing")
        assert (await said(client, approval, "reject")).status_code == 200
        page = read(await client.post(f"{path}/edit", data=as_sent(editing, **{field: "a long new order"})), 409)
        problem = page.select_one("#problem")
        assert problem is not None
        assert "Already rejected by Local (api)" in problem.text
        assert "a long new order" in problem.text


async def test_answers_are_shown_back_where_somebody_else_was_quicker(local_site: Site) -> None:
    client = await on_a_page(local_site.client())
    approval = (await client.post("/v1/approvals", json={**QUESTION, "allow_skip": True})).json()
    path = f"/approvals/{approval['id']}"
    first, second = (question["id"] for question in approval["questions"])
    typed = {f"a:{first}": "1", f"t:{second}": "I wrote a lot"}
    sent = as_sent(form(read(await client.get(path)), "#answer"), type="answer", **typed)
    assert (await said(client, approval, "skip")).status_code == 200
    problem = read(await client.post(f"{path}/decision", data=sent), 409).select_one("#problem")
    assert problem is not None
    assert "I wrote a lot" in problem.text


async def test_an_edit_of_a_grave_call_is_confirmed_for_exactly_its_bytes(local_site: Site) -> None:
    client = await on_a_page(local_site.client())
    approval = await asked(client, risk="critical")
    path = f"/approvals/{approval['id']}"
    wish = {"type": "edit", "digest": approval["digest"], "args": '{"amount": 7}', "key": "k"}
    for confirmed in ({}, {"confirmed": approval["digest"], "typed": "refund"}):
        page = read(await client.post(f"{path}/decision", data={**wish, **confirmed}))
        assert page.select_one("#review")
    sent = as_sent(form(page, "form[data-decide=edit]"))
    assert read(await client.post(f"{path}/decision", data={**sent, "typed": "other"})).select_one("#review")
    assert (await client.get(f"/v1{path}")).json()["status"] == "pending"
    assert (await client.post(f"{path}/decision", data={**sent, "typed": "refund"})).status_code == 303


async def test_what_cannot_be_edited_has_no_form(site: Site) -> None:
    approval = await asked(site.client("bot"), decisions=["approve", "reject"])
    path = f"/approvals/{approval['id']}/edit"
    read(await site.client("dana").get(path), 403)
    read(await site.client("bot").get(path), 403)
    read(await site.client("dana").post(path, data={"raw": "1", "args": "{}"}), 403)


async def ask(local_site: Site, **changed: Any) -> dict[str, Any]:
    return await asked(local_site.client(), **{**QUESTION, "tool": None, "args": None, "args_schema": None, **changed})


async def test_questions_are_answered_by_a_plain_form(local_site: Site) -> None:
    client = local_site.client()
    approval = await ask(local_site)
    path = f"/approvals/{approval['id']}"
    first, second = (question["id"] for question in approval["questions"])
    answer = form(read(await client.get(path)), "#answer")
    assert not answer.select("[checked]")
    sent = as_sent(answer) | {"type": ["answer"], f"a:{first}": ["2"], f"t:{second}": ["Because\r\nI say so"]}
    assert (await client.post(f"{path}/decision", data=sent)).status_code == 303
    now = (await client.get(f"/v1{path}")).json()
    assert now["status"] == "answered"
    assert now["decision"]["answers"] == {
        first: {"options": ["2"], "text": None},
        second: {"options": [], "text": "Because\nI say so"},
    }
    assert "(chosen)" in read(await client.get(path)).text


async def test_a_question_without_an_answer_is_named_and_the_others_are_kept(local_site: Site) -> None:
    client = local_site.client()
    approval = await ask(local_site)
    path = f"/approvals/{approval['id']}"
    first, second = (question["id"] for question in approval["questions"])
    sent = as_sent(form(read(await client.get(path)), "#answer")) | {"type": ["answer"], f"t:{second}": ["typed"]}
    page = read(await client.post(f"{path}/decision", data=sent), 422)
    assert page.select_one(f"fieldset[data-question='{first}'] .warning")
    assert as_sent(form(page, "#answer"))[f"t:{second}"] == ["typed"]
    assert [str(link["href"]) for link in page.select("#problem li a")] == ["#q-1"]
    nothing = as_sent(form(read(await client.get(path)), "#answer")) | {"type": ["answer"]}
    every = read(await client.post(f"{path}/decision", data=nothing), 422)
    assert len(every.select("#problem li a")) == len(every.select("fieldset .warning")) == len(approval["questions"])


async def test_only_what_may_be_skipped_can_be(local_site: Site) -> None:
    client = local_site.client()
    for may_skip in (False, True):
        approval = await ask(local_site, allow_skip=may_skip)
        path = f"/approvals/{approval['id']}"
        page = read(await client.get(path))
        assert bool(page.select("button[value=skip]")) == may_skip
        sent = as_sent(form(page, "#answer")) | {"type": ["skip"]}
        assert (await client.post(f"{path}/decision", data=sent)).status_code == (303 if may_skip else 403)


async def test_a_graver_edit_is_confirmed_as_grave_as_it_is(make_site: Callable[..., Site]) -> None:
    rules = (Rule(name="board", tool=("refund",), when="args.amount > 500.0", effect="ask", risk="critical"),)
    config = config_of(None, policy=PolicyConfig(rules=rules))
    client = make_site(config, policy=ConfiguredPolicy(config)).client()
    approval = await asked(client, risk="low")
    path = f"/approvals/{approval['id']}"
    sent = as_sent(form(read(await client.get(f"{path}/edit")), "form.editing"), **{"v:/amount": "900"})
    review = read(await client.post(f"{path}/edit", data=sent))
    assert form(review, "#graver").text == "The risk is critical with your changes, not low as it was asked."
    hasty = as_sent(form(review, "form[data-decide=edit]"))
    review = read(await client.post(f"{path}/decision", data=hasty))
    assert (await client.get(f"/v1{path}")).json()["status"] == "pending"
    answer = await client.post(f"{path}/decision", data=as_sent(form(review, "form[data-decide=edit]"), typed="refund"))
    assert answer.status_code == 303
    assert (await client.get(f"/v1{path}")).json()["status"] == "approved"


async def test_a_grave_call_is_confirmed_also_where_our_clock_says_that_it_is_over(local_site: Site) -> None:
    """A clock that runs fast is not the way around the confirmation: Temporal says whether it is over."""
    client = local_site.client()
    approval = await asked(client, risk="critical")
    path = f"/approvals/{approval['id']}"
    approve = as_sent(form(read(await client.get(path)), "form[data-decide=approve]"))
    local_site.clock.advance(days=30)
    page = read(await client.post(f"{path}/decision", data=approve))
    assert page.select_one("input[name=typed]")
    assert not local_site.temporal.updates
