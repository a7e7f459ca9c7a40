"""What the schema calls a secret is in no page, and is what runs all the same."""

from __future__ import annotations

import json
from typing import Any

from bs4 import BeautifulSoup, Tag
from httpx import AsyncClient

from placet.contracts.canonical import canonical_text, digest
from placet.contracts.events import TurnCompleted
from placet.ledger import AgentRow, ToolRow, TurnRow
from placet_testing.gateway import Site, asked, said
from placet_testing.web import as_sent, on_a_page, read

PASSWORD = "correct horse"  # noqa: S105 - a test's
DEEP = "battery staple"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "user": {"type": "string"},
        "password": {"type": "string", "format": "password"},
        "either": {"anyOf": [{"$ref": "#/$defs/key"}, {"type": "integer"}]},
    },
    "$defs": {"key": {"type": "object", "properties": {"key": {"type": "string", "writeOnly": True}}}},
}
ARGS: dict[str, Any] = {"user": "dana", "password": PASSWORD, "either": {"key": DEEP}}


def one(page: BeautifulSoup, selector: str) -> Tag:
    found = page.select_one(selector)
    assert isinstance(found, Tag), selector
    return found


async def ask(client: AsyncClient) -> dict[str, Any]:
    return await asked(client, tool="connect", args=ARGS, args_schema=SCHEMA)


async def test_a_secret_is_in_no_page_and_the_digest_is_of_its_value(local_site: Site) -> None:
    client = local_site.client()
    approval = await ask(client)
    assert approval["digest"] == digest("connect", canonical_text(ARGS))
    path = f"/approvals/{approval['id']}"
    for where in ("/inbox", path, f"{path}?whole=1", f"{path}/edit", f"{path}/edit?raw=1"):
        text = (await client.get(where)).text
        assert PASSWORD not in text, where
        assert DEEP not in text, where
    page = read(await client.get(path))
    assert "secret, 13 characters, not shown" in page.text
    assert one(page, "form[data-decide=approve] input[name=digest]")["value"] == approval["digest"]


async def test_an_edit_beside_a_secret_keeps_it_by_form_and_as_json(local_site: Site) -> None:
    client = local_site.client()
    for query in ("", "?raw=1"):
        approval = await ask(client)
        path = f"/approvals/{approval['id']}"
        editing = one(read(await client.get(f"{path}/edit{query}")), "form.editing")
        sent = as_sent(editing)
        if query:
            sent["args"] = [sent["args"][0].replace("dana", "eve")]
        else:
            sent["v:/user"] = ["eve"]
        review = read(await client.post(f"{path}/edit", data=sent))
        assert PASSWORD not in str(review)
        assert DEEP not in str(review)
        assert [row.th.text for row in review.select(".changes tbody tr") if row.th] == ["user"]
        answer = await client.post(f"{path}/decision", data=as_sent(one(review, "form[data-decide=edit]")))
        assert answer.status_code == 303
        assert (await client.get(f"/v1{path}")).json()["decision"]["args"] == ARGS | {"user": "eve"}


async def test_a_new_secret_is_shown_nowhere_either(local_site: Site) -> None:
    client = local_site.client()
    approval = await ask(client)
    path = f"/approvals/{approval['id']}"
    sent = as_sent(one(read(await client.get(f"{path}/edit")), "form.editing"), **{"v:/password": "new secret"})
    review = read(await client.post(f"{path}/edit", data=sent))
    assert "new secret" not in str(review), "nor in a field that nobody sees"
    shown = [" ".join(row.get_text(" ").split()) for row in review.select(".changes tbody tr")]
    assert shown == ["password \u2212 secret, 13 characters, not shown + secret, 10 characters, not shown"]
    await client.post(f"{path}/decision", data=as_sent(one(review, "form[data-decide=edit]")))
    assert (await client.get(f"/v1{path}")).json()["decision"]["args"] == ARGS | {"password": "new secret"}
    page = (await client.get(path)).text
    assert "new secret" not in page
    assert "10 characters" in page


async def test_a_mask_that_hides_nothing_is_no_value(local_site: Site) -> None:
    client = await on_a_page(local_site.client())
    approval = await ask(client)
    path = f"/approvals/{approval['id']}"
    args = json.dumps(ARGS | {"user": "secret, 13 characters, not shown"})
    sent = {"raw": "1", "args": args, "digest": approval["digest"], "type": "edit"}
    page = read(await client.post(f"{path}/edit", data=sent), 422)
    assert "stands where it hides nothing" in one(page, "#summary").text
    read(await client.post(f"{path}/decision", data=sent), 422)
    assert (await client.get(f"/v1{path}")).json()["status"] == "pending"


async def test_a_secret_is_not_shown_back_where_somebody_else_was_quicker(local_site: Site) -> None:
    client = local_site.client()
    approval = await ask(client)
    path = f"/approvals/{approval['id']}"
    typed = {"v:/password": "new secret", "v:/user": "I wrote a lot"}
    sent = as_sent(one(read(await client.get(f"{path}/edit")), "form.editing"), **typed)
    await said(client, approval, "reject")
    page = read(await client.post(f"{path}/edit", data=sent), 409)
    assert "I wrote a lot" in page.text
    assert "new secret" not in str(page)


async def reviewed(client: AsyncClient, path: str, **typed: str) -> BeautifulSoup:
    """Returns the review of an edit by form."""
    form = one(read(await client.get(f"{path}/edit")), "form.editing")
    return read(await client.post(f"{path}/edit", data=as_sent(form, **typed)))


async def test_a_new_secret_runs_whoever_confirms_it_and_however_deep_it_lies(local_site: Site) -> None:
    client = local_site.client()
    approval = await ask(client)
    path = f"/approvals/{approval['id']}"
    typed = {"v:/password": "new secret", "v:/either": '{"key": "a key/with ~ and \u202e"}'}
    review = await reviewed(client, path, **typed)
    assert "a key/with" not in str(review)
    answer = await client.post(f"{path}/decision", data=as_sent(one(review, "form[data-decide=edit]")))
    assert answer.status_code == 303, answer.text
    args = {"user": "dana", "password": "new secret", "either": {"key": "a key/with ~ and \u202e"}}
    decision = (await client.get(f"/v1{path}")).json()["decision"]
    assert (decision["args"], decision["digest"]) == (args, digest("connect", canonical_text(args)))


async def test_a_new_secret_is_sealed_for_its_approval_and_lost_without_its_seal(local_site: Site) -> None:
    client = local_site.client()
    first, second = await ask(client), await ask(client)
    reviews = [await reviewed(client, f"/approvals/{each['id']}", **{"v:/password": "new"}) for each in (first, second)]
    ours, others = (as_sent(one(review, "form[data-decide=edit]")) for review in reviews)
    path = f"/approvals/{first['id']}/decision"
    for seal in (others["sealed"], [""], ["x.y.z"], [ours["sealed"][0][:-4] + "AAAA"]):
        page = read(await client.post(path, data=ours | {"sealed": seal}), 422)
        assert "type the value" in page.text
    assert (await client.get(f"/v1/approvals/{first['id']}")).json()["status"] == "pending"
    assert (await client.post(path, data=ours)).status_code == 303


async def test_who_goes_back_from_the_review_types_a_new_secret_again(local_site: Site) -> None:
    """Also one that is as long as the old one: a mask of that length would stand for the old one."""
    client = local_site.client()
    approval = await ask(client)
    path = f"/approvals/{approval['id']}"
    review = await reviewed(client, path, **{"v:/password": "x" * len(PASSWORD)})
    assert not review.select("[data-back]"), "what was typed as JSON is in no draft of the tab"
    back = read(await client.post(f"{path}/edit", data=as_sent(one(review, "form[action$=edit]"), do="back")))
    page = read(await client.post(f"{path}/edit", data=as_sent(one(back, "form.editing"))), 422)
    assert "type the value" in one(page, "#summary").text


async def test_a_form_that_comes_back_says_that_a_secret_does_not(local_site: Site) -> None:
    client = local_site.client()
    approval = await ask(client)
    path = f"/approvals/{approval['id']}"
    form = one(read(await client.get(f"{path}/edit")), "form.editing")
    page = read(await client.post(f"{path}/edit", data=as_sent(form, do="check", **{"v:/password": "new secret"})))
    assert "new secret" not in str(page)
    assert "What you typed here does not come back" in page.text


async def test_nobody_finds_a_secret_by_searching_for_it(local_site: Site) -> None:
    client = local_site.client()
    approval = await ask(client)
    for word, found in ((PASSWORD, 0), ("battery", 0), (approval["tool"], 1), ("dana", 1)):
        page = (await client.get("/v1/approvals", params={"q": word})).json()
        assert len(page["items"]) == found, word
        assert len(read(await client.get("/inbox", params={"q": word})).select("tr[data-id]")) == found, word


async def test_a_run_is_shown_without_the_secrets_of_its_calls(local_site: Site) -> None:
    await local_site.ledger.put_agents([AgentRow(name="billing", tools=(ToolRow(name="connect", args_schema=SCHEMA),))])
    client = local_site.client()
    run = (await client.post("/v1/runs", json={"agent": "billing", "input": "Connect"})).json()
    said = {"type": "ai", "data": {"content": "", "tool_calls": [{"id": "c1", "name": "connect", "args": ARGS}]}}
    row = TurnRow(id="t", run_id=run["id"], thread_id=run["thread_id"], turn=0, message_ids=("m",))
    await local_site.ledger.put_turn(row, {"m": said}, TurnCompleted(turn=0, message_id="m", calls=1))
    page = await client.get(f"/runs/{run['id']}", params={"whole": "1"})
    assert "secret, 13 characters, not shown" in page.text
    assert PASSWORD not in page.text
    assert DEEP not in page.text
