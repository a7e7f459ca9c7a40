"""Pages without a browser: what they hold, and how they answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup, Tag

from placet.contracts.config import PolicyConfig
from placet.ledger import AgentRow, Ledger, ToolRow
from placet.web.assets import address
from placet_testing.gateway import QUESTION, Site, asked, config_of, said
from placet_testing.web import as_sent, read

PAGES = ("/inbox", "/inbox?tab=ended", "/runs", "/agents", "/settings")


def form_of(page: BeautifulSoup, kind: str) -> dict[str, Any]:
    """Returns what a browser would send with one of the forms that decide."""
    form = page.select_one(f"form[data-decide={kind}]")
    assert isinstance(form, Tag), f"the page has no form to {kind}"
    return {str(field["name"]): str(field.get("value", "")) for field in form.select("[name]")}


@pytest.mark.parametrize("path", PAGES)
async def test_pages_hold_nothing_inline_and_nothing_from_elsewhere(local_site: Site, path: str) -> None:
    client = local_site.client()
    await asked(client)
    page = read(await client.get(path))
    assert not page.select("[style], style")
    assert all(script.get("src") and not script.text for script in page.select("script"))
    attributes = [name for tag in page.select("*") for name in tag.attrs]
    assert not [name for name in attributes if name.startswith("on")]
    for tag in page.select("[src], link[href], form[action]"):
        target = str(tag.get("src") or tag.get("href") or tag.get("action"))
        assert target.startswith("/"), target
        assert not target.startswith("//"), target


async def test_every_file_that_a_page_names_is_there_and_kept(local_site: Site) -> None:
    client = local_site.client()
    page = read(await client.get("/inbox"))
    names = [str(tag.get("src") or tag.get("href")) for tag in page.select("script[src], link[href]")]
    assert len(names) >= 4
    for name in names:
        answer = await client.get(name)
        assert answer.status_code == 200, name
        assert "immutable" in answer.headers["cache-control"]
    worker = await client.get(address("live-worker.js"))
    assert "connect-src 'self'" in worker.headers["content-security-policy"]
    old = await client.get("/static/0000000000000000/placet.css")
    assert old.headers["cache-control"] == "no-store"


async def test_who_has_not_signed_in_is_sent_to_do_so_and_comes_back(site: Site) -> None:
    answer = await site.client().get("/inbox?risk=high")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Finbox%3Frisk%3Dhigh"


async def test_what_one_may_not_see_is_no_page(site: Site) -> None:
    approval = await asked(site.client("bot"), approvers=["group:finance"])
    assert read(await site.client("dana").get(f"/approvals/{approval['id']}")).select_one("#card")
    read(await site.client("eve").get(f"/approvals/{approval['id']}"), 404)
    assert not read(await site.client("eve").get("/inbox")).select("tr[data-id]")


async def test_an_approval_is_decided_by_a_plain_form(local_site: Site) -> None:
    client = local_site.client()
    approval = await asked(client)
    path = f"/approvals/{approval['id']}"
    form = form_of(read(await client.get(path)), "approve")
    answer = await client.post(f"{path}/decision", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}?done=1")
    now = (await client.get(f"/v1{path}")).json()
    assert (now["status"], now["decision"]["by"]["via"]) == ("approved", "web")
    page = read(await client.get(answer.headers["location"]))
    assert "Approved by Local (web)" in page.select_one("#outcome").text  # pyright: ignore[reportOptionalMemberAccess]
    assert not page.select("form[data-decide]")


async def test_a_form_counts_for_what_its_page_showed_and_nothing_else(local_site: Site) -> None:
    client = local_site.client()
    approval = await asked(client)
    path = f"/approvals/{approval['id']}"
    form = form_of(read(await client.get(path)), "approve")
    stale = form | {"digest": "sha256:" + "0" * 64}
    read(await client.post(f"{path}/decision", data=stale), 409)
    assert (await client.get(f"/v1{path}")).json()["status"] == "pending"
    assert (await client.post(f"{path}/decision", data=form)).status_code == 303


async def test_the_same_form_sent_twice_counts_once_and_says_no_other_thing(local_site: Site) -> None:
    client = local_site.client()
    approval = await asked(client)
    path = f"/approvals/{approval['id']}"
    form = form_of(read(await client.get(path)), "reject") | {"message": "Not this one"}
    answers = [await client.post(f"{path}/decision", data=form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert (await client.get(f"/v1{path}")).json()["decision"]["message"] == "Not this one"


async def test_the_loser_of_a_race_reads_who_won_and_keeps_what_was_typed(site: Site) -> None:
    approval = await asked(site.client("bot"))
    path = f"/approvals/{approval['id']}"
    eve = site.client("eve")
    form = form_of(read(await eve.get(path)), "reject") | {"message": "I wrote a lot"}
    assert (await said(site.client("dana"), approval)).status_code == 200
    page = read(await eve.post(f"{path}/decision", data=form), 409)
    problem = page.select_one("#problem")
    assert problem is not None
    assert "Already approved by Dana Ito (api)" in problem.text
    assert "Your decision was not recorded" in problem.text
    assert "I wrote a lot" in problem.text


async def test_a_high_risk_is_confirmed_and_a_critical_one_is_typed(local_site: Site) -> None:
    client = local_site.client()
    for risk, typed in (("high", None), ("critical", "refund")):
        approval = await asked(client, risk=risk)
        path = f"/approvals/{approval['id']}"
        form = form_of(read(await client.get(path)), "approve")
        page = read(await client.post(f"{path}/decision", data=form))
        assert page.select_one("#confirm")
        assert (await client.get(f"/v1{path}")).json()["status"] == "pending"
        again = form | {"confirmed": approval["digest"]}
        if typed:
            assert read(await client.post(f"{path}/decision", data=again | {"typed": "refnd"})).select_one("#confirm")
            assert (await client.get(f"/v1{path}")).json()["status"] == "pending"
            again["typed"] = typed
        assert (await client.post(f"{path}/decision", data=again)).status_code == 303
        assert (await client.get(f"/v1{path}")).json()["status"] == "approved"


async def test_a_tool_whose_name_begins_with_a_blank_is_confirmed_by_typing_it(local_site: Site) -> None:
    client = local_site.client()
    approval = await asked(client, risk="critical", tool=" refund ")
    path = f"/approvals/{approval['id']}"
    form = form_of(read(await client.get(path)), "approve") | {"confirmed": approval["digest"]}
    assert read(await client.post(f"{path}/decision", data=form | {"typed": "re fund"})).select_one("#confirm")
    assert (await client.post(f"{path}/decision", data=form | {"typed": " refund "})).status_code == 303


async def test_blanks_of_a_value_stand_where_blanks_are_kept(local_site: Site) -> None:
    client = local_site.client()
    approval = await asked(client, title="a  b", args={"amount": 1, "order": "a  b"})
    path = f"/approvals/{approval['id']}"
    sent = {"raw": "1", "args": '{"amount": 1, "order": "a   b"}', "digest": approval["digest"]}
    sent["csrf_token"] = form_of(read(await client.get(path)), "approve")["csrf_token"]
    pages = [read(await client.get(one)) for one in (path, "/inbox")]
    pages.append(read(await client.post(f"{path}/edit", data=sent)))
    for page in pages:
        shown = [text for text in page.body.find_all(string=True) if "a  " in text]  # pyright: ignore[reportOptionalMemberAccess]
        assert shown
        assert all(text.find_parent(["bdi", "pre", "textarea"]) for text in shown)
    assert "bdi { white-space: pre-wrap; }" in (await client.get(address("placet.css"))).text


async def test_a_grave_call_is_not_approved_before_all_of_it_was_shown(local_site: Site) -> None:
    client = local_site.client()
    approval = await asked(client, risk="high", args={"amount": 1, "order": "x" * 5_000})
    path = f"/approvals/{approval['id']}"
    page = read(await client.get(path))
    assert not page.select("form[data-decide=approve]")
    assert "3,000 more characters" in page.text
    assert form_of(read(await client.get(f"{path}?whole=1")), "approve")["digest"] == approval["digest"]


async def test_nothing_that_an_agent_wrote_is_markup(local_site: Site) -> None:
    hostile = "<script>alert(1)</script>{{ 7*7 }}\u202egnp.exe\x1b[2J"
    client = local_site.client()
    approval = await asked(client, title=hostile, reason=hostile, args={"amount": 1, "order": hostile})
    for path in ("/inbox", f"/approvals/{approval['id']}"):
        page = read(await client.get(path))
        assert all(script.get("src") for script in page.select("script"))
        assert "{{ 7*7 }}" in page.text
        assert "\u202e" not in page.text
        assert "\\u202e" in page.text
        assert "\x1b" not in page.text


@pytest.mark.parametrize("tab", ["pending", "mine", "ended", "expired"])
async def test_filters_that_nobody_chose_leave_the_list_as_it_is(local_site: Site, tab: str) -> None:
    client = local_site.client()
    approval = await asked(client)
    form = read(await client.get(f"/inbox?tab={tab}")).select_one("form.filters")
    assert isinstance(form, Tag)
    for query in (as_sent(form), {**as_sent(form), "cursor": [""], "run_id": [""]}):
        page = read(await client.get(f"/inbox?{urlencode(query, doseq=True)}"))
        assert [row["data-id"] for row in page.select("tr[data-id]")] == [approval["id"]] * (tab == "pending")
    read(await client.get(f"/inbox?q={'x' * 201}"), 422)


async def test_every_line_of_a_text_stands_on_a_line_of_its_own(local_site: Site) -> None:
    text = "rm -r build\n  make\n\nmake install"
    client = local_site.client()
    approval = await asked(client, reason=text, args={"amount": 1, "order": text})
    page = read(await client.get(f"/approvals/{approval['id']}"))
    assert text in [shown.text for shown in page.select(".values pre")]
    (said,) = [shown.text for shown in page.select(".says blockquote")]
    assert said == f"{approval['title']}\n{text}"


async def test_what_whoever_asks_from_outside_says_is_only_quoted(site: Site) -> None:
    said = {"title": "Approved by policy: refund 1", "reason": "Rule safe-refunds: press Approve", "risk": "low"}
    approval = await asked(site.client("bot"), **said)
    for path in (f"/approvals/{approval['id']}", "/inbox"):
        page = read(await site.client("dana").get(path))
        assert "said by whoever asked" in page.text or "as they say" in page.text
        for quoted in page.select(".says, .said"):
            quoted.extract()
        assert "refund: amount 250" in page.text
        for words in (said["title"], said["reason"]):
            assert words not in str(page), path


async def test_who_asked_cannot_approve_and_reads_why(site: Site) -> None:
    approval = await asked(site.client("max"))
    page = read(await site.client("max").get(f"/approvals/{approval['id']}"))
    assert not page.select("form[data-decide]")
    assert "You asked for this, so somebody else decides" in page.text


async def test_an_empty_inbox_says_what_to_do(local_site: Site) -> None:
    client = local_site.client()
    assert "placet up --demo" in read(await client.get("/inbox")).text
    await asked(client, **QUESTION, tool=None, args=None, args_schema=None)
    filtered = read(await client.get("/inbox?tool=nothing"))
    assert "Nothing fits these filters" in filtered.text
    assert filtered.select("a[href='/inbox?tab=pending']")


async def test_an_empty_inbox_tells_what_was_decided_lately(local_site: Site) -> None:
    client = local_site.client()
    approval = await asked(client)
    assert (await said(client, approval, "reject")).status_code == 200
    (lately,) = read(await client.get("/inbox")).select(".lately li")
    assert lately.text.startswith("refund: ")
    assert "Rejected by Local (api)" in lately.text


async def test_settings_say_who_one_is(site: Site) -> None:
    page = read(await site.client("dana").get("/settings")).text
    for known in ("Dana Ito", "user:dana", "finance", "approver", "by a key, key "):
        assert known in page


async def test_a_query_that_a_page_does_not_know_is_refused(local_site: Site) -> None:
    for query in ("tab=nowhere", "risk=huge", "sort=x", "cursor=x", "unknown=1"):
        read(await local_site.client().get(f"/inbox?{query}"), 422)


async def test_an_agents_page_tells_which_rules_are_about_each_tool(
    make_site: Callable[..., Site], ledger: Ledger
) -> None:
    policy = PolicyConfig.model_validate(
        {
            "deny": ["delete_*"],
            "allow": ["find_*"],
            "rules": [
                {"name": "large", "tool": "ref*", "when": "args.amount > 100.0", "effect": "ask", "risk": "high"}
            ],
        }
    )
    client = make_site(config_of(None, policy=policy)).client()
    names = ("find_orders", "refund", "delete_customer", "other")
    tools = tuple(ToolRow(name=name, args_schema={}) for name in names)
    await ledger.put_agents([AgentRow(name="billing", tools=tools)])
    page = read(await client.get("/agents/billing"))
    told = {card.h3.text: " ".join(card.text.split()) for card in page.select(".tool-card") if card.h3}
    assert "the list “allow”: find_*" in told["find_orders"]
    assert "large" in told["refund"]
    assert "args.amount > 100.0" in told["refund"]
    assert "the list “deny”: delete_*" in told["delete_customer"]
    assert "No rule is about it" in told["other"]


@pytest.mark.parametrize("path", PAGES)
async def test_all_that_a_page_says_is_in_a_landmark_or_is_told(local_site: Site, path: str) -> None:
    page = read(await local_site.client().get(path))
    allowed = ("header", "main", "aside", "dialog")
    body = page.body
    assert body is not None
    outside = [tag for tag in body.find_all(recursive=False) if tag.name not in allowed and tag.get_text(strip=True)]
    assert not [tag for tag in outside if tag.get("role") not in ("status", "alert") and tag.get("href") != "#main"]
