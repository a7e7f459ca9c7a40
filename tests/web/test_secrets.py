"""What the schema calls a secret is in no page, and is what runs all the same."""

from __future__ import annotations

import json
from typing import Any

from bs4 import BeautifulSoup, Tag
from httpx import AsyncClient

from placet.contracts.canonical import canonical_text, digest
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
    assert "new secret" not in review.text
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
