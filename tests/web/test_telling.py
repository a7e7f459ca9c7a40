"""What pages tell beyond the call itself: what is away, what else waits, what is changed so far, what came of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from httpx import AsyncClient

from placet.api.auth.limits import Limiter, Rate
from placet.api.ports import Poller
from placet.web.service_status import FRESH, TEMPORAL, WORKER, ServiceStatus
from placet_testing.gateway import QUESTION, Site, asked, said
from placet_testing.web import as_sent, on_a_page, read


def one(page: Tag, selector: str) -> Tag:
    found = page.select_one(selector)
    assert isinstance(found, Tag), selector
    return found


def words(tag: Tag) -> str:
    return " ".join(tag.get_text(" ").split())


async def card(client: AsyncClient, approval: dict[str, Any], more: str = "") -> BeautifulSoup:
    return read(await client.get(f"/approvals/{approval['id']}{more}"))


class Passing:
    """Time that passes as a test says."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_page_says_what_is_away_as_long_as_it_is(local_site: Site) -> None:
    passing = Passing()
    local_site.app.state.service_status = ServiceStatus(passing)
    client = local_site.client()
    told: list[str] = []
    for polling, reachable in (([], True), ([], False), ([Poller("1@elsewhere", local_site.clock())], True)):
        local_site.temporal.polling, local_site.temporal.reachable = polling, reachable
        passing.now += FRESH
        told.append(words(one(read(await client.get("/inbox")), "#service")))
    assert told == [WORKER, TEMPORAL, ""]


async def test_what_nobody_has_looked_at_for_long_is_not_told(local_site: Site) -> None:
    passing = Passing()
    service_status = ServiceStatus(passing)
    await service_status.look(local_site.app.state.services)
    assert service_status.trouble == WORKER
    passing.now += 60
    assert service_status.trouble is None


async def test_a_decision_that_could_not_be_sent_comes_back_with_what_was_typed_and_its_key(local_site: Site) -> None:
    client = local_site.client()
    approval = await asked(client)
    sent = as_sent(one(await card(client, approval), "form[data-decide=reject]"), message="I wrote a lot")
    local_site.temporal.reachable = False
    page = read(await client.post(f"/approvals/{approval['id']}/decision", data=sent), 503)
    again = as_sent(one(page, "form[data-decide=reject]"))
    assert again["message"] == ["I wrote a lot"]
    assert again["key"] == sent["key"]
    assert "it counts once" in words(one(page, "#problem"))
    local_site.temporal.reachable = True
    assert (await client.post(f"/approvals/{approval['id']}/decision", data=again)).status_code == 303
    assert "Rejected by Local" in words(one(await card(client, approval), "#outcome"))


async def test_what_was_typed_stands_in_the_form_that_it_was_typed_into(local_site: Site) -> None:
    client = local_site.client()
    approval = await asked(client)
    sent = as_sent(one(await card(client, approval), "form[data-decide=respond]"), message="Done by hand")
    sent["digest"] = ["sha256:" + "0" * 64]
    page = read(await client.post(f"/approvals/{approval['id']}/decision", data=sent), 409)
    assert as_sent(one(page, "form[data-decide=respond]"))["message"] == ["Done by hand"]
    assert as_sent(one(page, "form[data-decide=reject]"))["message"] == [""]


async def test_an_edit_shows_its_changes_and_takes_one_back(local_site: Site) -> None:
    client = local_site.client()
    approval = await asked(client)
    path = f"/approvals/{approval['id']}/edit"
    editing = one(read(await client.get(path)), "form.editing")
    typed = as_sent(editing, **{"v:/amount": "9", "v:/order": "B-2", "do": "check"})
    page = read(await client.post(path, data=typed))
    rows = [words(row) for row in page.select("#changes tbody tr")]
    assert rows == ["amount \u2212 250 + 9 Undo amount", 'order \u2212 "A-1" + "B-2" Undo order']
    page = read(await client.post(path, data=as_sent(one(page, "form.editing"), do="undo:/amount")))
    left = as_sent(one(page, "form.editing"))
    assert (left["v:/amount"], left["v:/order"]) == (["250"], ["B-2"])
    assert len(page.select("#changes tbody tr")) == 1
    wrong = as_sent(one(page, "form.editing"), **{"v:/amount": "much", "do": "check"})
    page = read(await client.post(path, data=wrong))
    assert one(page, "[name='v:/amount']")["aria-invalid"] == "true"
    assert len(page.select("#changes tbody tr")) == 1


async def test_one_can_go_back_from_the_review_with_what_was_typed(local_site: Site) -> None:
    client = local_site.client()
    approval = await asked(client)
    path = f"/approvals/{approval['id']}/edit"
    sent = as_sent(one(read(await client.get(path)), "form.editing"), **{"v:/amount": "9"})
    review = read(await client.post(path, data=sent))
    back = as_sent(one(review, f"form[action='{path}']"), do="back")
    assert '"amount":9' in as_sent(one(read(await client.post(path, data=back)), "form.editing"))["args"][0]


async def test_arguments_that_are_no_object_are_no_edit(local_site: Site) -> None:
    client = await on_a_page(local_site.client())
    approval = await asked(client, args_schema=None)
    path = f"/approvals/{approval['id']}/edit"
    page = read(await client.post(path, data={"v:": "[1]", "digest": approval["digest"]}), 422)
    assert "Type an object of JSON" in page.text


async def test_beside_an_approval_stands_what_else_waits_the_most_urgent_first(site: Site) -> None:
    bot, dana = site.client("bot"), site.client("dana")
    calm = await asked(bot, args={"amount": 1}, risk="low")
    grave = await asked(bot, args={"amount": 9}, risk="critical")
    await asked(bot, title="Hidden", approvers=["user:eve"])
    page = await card(dana, calm)
    assert [words(row) for row in page.select("#queue .queue-title")] == ["refund: amount 9", "refund: amount 1"]
    assert one(page, "#queue a[aria-current]")["href"] == f"/approvals/{calm['id']}"
    assert one(page, ".next-up a")["href"] == f"/approvals/{grave['id']}"
    assert one(page, "title").text.startswith("(2) ")
    assert "icon-waiting" in str(one(page, "#icon")["href"])


async def test_after_an_edit_the_page_tells_what_was_asked_and_what_runs(local_site: Site) -> None:
    client = local_site.client()
    approval = await asked(client)
    assert words(one(await card(client, approval), "#exactly")) == "Exactly what will run"
    await said(client, approval, "edit", args={"amount": 9, "order": "A-1"})
    page = await card(client, approval)
    assert words(one(page, "#exactly")) == "What was asked"
    assert words(one(page, ".changes tbody tr")) == "amount \u2212 250 + 9"
    assert "Whoever asked runs the tool" in words(one(page, ".next"))


async def test_the_list_says_you_where_the_reader_is_named(site: Site) -> None:
    await asked(site.client("bot"), approvers=["user:dana", "group:finance"])
    row = one(read(await site.client("dana").get("/inbox")), "tr[data-id] .for")
    assert words(row) == "you, finance"


async def test_a_question_and_a_call_say_what_happens_if_nobody_decides(local_site: Site) -> None:
    client = local_site.client()
    call = await card(client, await asked(client))
    answer = await client.post("/v1/approvals", json={**QUESTION, "expires_after": "1d"})
    question = await card(client, answer.json())
    assert "Then it is rejected" in words(one(call, "#until"))
    assert "Then it goes unanswered" in words(one(question, "#until"))


async def test_the_risk_says_why(local_site: Site) -> None:
    client = local_site.client()
    page = await card(client, await asked(client, risk="high"))
    assert "High said by whoever asked" in words(one(page, ".marks"))


async def test_a_value_that_was_understood_says_as_what(local_site: Site) -> None:
    client = local_site.client()
    args = {"query": "DELETE FROM orders", "options": {"a": 1}, "note": str(uuid.uuid4())}
    page = await card(client, await asked(client, args=args, args_schema=None))
    rows = {words(one(row, "dt bdi")): words(one(row, "dd")) for row in page.select(".value")}
    assert "! DELETE without WHERE" in rows["query"]
    assert "No formatter: shown as JSON." in rows["options"]
    assert rows["note"] == f'"{args["note"]}"'


async def test_a_form_that_comes_after_the_session_has_ended_is_shown_back_with_the_way_to_sign_in(site: Site) -> None:
    approval = await asked(site.client("bot"))
    path = f"/approvals/{approval['id']}"
    stranger = site.client()
    sent = as_sent(one(await card(site.client("dana"), approval), "form[data-decide=reject]"), message="I wrote a lot")
    page = read(await stranger.post(f"{path}/decision", data=sent), 401)
    assert words(one(page, ".typed pre")) == "I wrote a lot"
    links = [str(link["href"]) for link in page.select("main a")]
    assert links == [f"/sign-in?next=%2Fapprovals%2F{approval['id']}", path, "/inbox"]
    assert not page.select("main form")
    foreign = await stranger.post(f"{path}/decision", data=sent, headers={"Sec-Fetch-Site": "cross-site"})
    assert "I wrote a lot" not in read(foreign, 401).text


async def test_a_decision_that_came_too_often_is_shown_back_in_its_form(
    make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site()
    approval = await asked(site.client("bot"))
    dana = site.client("dana")
    path = f"/approvals/{approval['id']}"
    sent = as_sent(one(await card(dana, approval), "form[data-decide=respond]"), message="I wrote a lot")
    too_often = Limiter(Rate(1, 60), site.clock)
    too_often.take("user:dana")
    monkeypatch.setattr(site.app.state.services.deciding, "_limiter", too_often)
    page = read(await dana.post(f"{path}/decision", data=sent), 429)
    again = as_sent(one(page, "form[data-decide=respond]"))
    assert (again["message"], again["key"]) == (["I wrote a lot"], sent["key"])
    several = {"type": "reject", "message": "Too many", "pick": f"{approval['id']} {approval['digest']}"}
    page = read(await dana.post("/inbox/several/decision", data=several), 429)
    assert words(one(page, ".typed pre")) == "Too many"
    again = as_sent(one(page, "#refused form"))
    assert {name: text for name, (text,) in again.items()} == several
    assert "as Dana Ito" in words(one(page, "#refused"))


async def test_a_page_that_says_no_names_its_request(local_site: Site) -> None:
    answer = await local_site.client().get("/inbox?risk=huge")
    assert answer.headers["x-request-id"] in words(one(read(answer, 422), "#refused"))


async def test_the_head_of_every_page_is_that_of_the_page(local_site: Site) -> None:
    client = local_site.client()
    for path in ("/inbox", "/runs", "/agents", "/settings", "/inbox?risk=huge"):
        head, page = await client.head(path), await client.get(path)
        assert (head.status_code, head.content) == (page.status_code, b""), path
        assert head.headers["content-length"] == page.headers["content-length"], path
