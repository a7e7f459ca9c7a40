"""The history on an approval's page: who, how they were known, and the card that they had before them."""

from __future__ import annotations

from placet.cards.digest import digest_of_card
from placet.contracts.approvals import Approval
from placet_testing.gateway import Site, asked, said
from placet_testing.web import as_sent, on_a_page, read


async def test_a_page_sends_the_digest_of_its_card_and_the_history_tells_it(local_site: Site) -> None:
    client = await on_a_page(local_site.client())
    approval = await asked(client)
    path = f"/approvals/{approval['id']}"
    form = read(await client.get(path)).select_one("form[data-decide=approve]")
    assert form is not None
    sent = as_sent(form)
    card = digest_of_card(Approval.model_validate(approval))
    assert sent["card_digest"] == [card]
    assert (await client.post(f"{path}/decision", data=sent)).status_code == 303
    decision = (await client.get(f"/v1/approvals/{approval['id']}")).json()["decision"]
    assert (decision["by"]["via"], decision["proof"]["method"]) == ("web", "local")
    assert decision["proof"]["card_digest"] == card
    told = read(await client.get(path)).select_one(".history")
    assert told is not None
    assert "Nobody signs in on this machine" in told.text
    assert f"Had before them the card as it is made from the record ({card})" in told.text


async def test_an_edit_is_kept_with_the_card_of_its_review(local_site: Site) -> None:
    client = await on_a_page(local_site.client())
    approval = await asked(client)
    path = f"/approvals/{approval['id']}"
    edit = read(await client.get(f"{path}/edit?raw=1")).select_one("form[method=post]")
    assert edit is not None
    review = read(await client.post(f"{path}/edit", data=as_sent(edit, args='{"amount": 9}')))
    form = review.select_one("form[data-decide=edit]")
    assert form is not None
    await client.post(f"{path}/decision", data=as_sent(form))
    decision = (await client.get(f"/v1/approvals/{approval['id']}")).json()["decision"]
    assert decision["proof"]["card_digest"] == digest_of_card(Approval.model_validate(approval), {"amount": 9})


async def test_another_card_than_the_record_makes_is_told_as_another(site: Site) -> None:
    approval = await asked(site.client("bot"))
    await said(site.client("dana"), approval, card_digest="sha256:" + "c" * 64)
    told = read(await site.client("dana").get(f"/approvals/{approval['id']}")).select_one(".history")
    assert told is not None
    assert "By a key, key " in told.text
    assert "another card than is made from the record now" in told.text
