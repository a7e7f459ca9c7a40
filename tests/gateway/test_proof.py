"""What the ledger keeps of a decision beside it: how the person was known, and the card that they had before them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from placet_testing.gateway import Site, asked, key_of, mark_of, problem, said

CARD = "sha256:" + "c" * 64
DANAS = mark_of("dana").removeprefix("sha256:")[:12]


async def test_a_decision_keeps_the_key_and_the_card(site: Site) -> None:
    approval = await asked(site.client("bot"))
    assert (await said(site.client("dana"), approval, card_digest=CARD)).status_code == 200
    kept = {
        "method": "key",
        "credential": DANAS,
        "authenticated_at": None,
        "address": None,
        "card_digest": CARD,
    }
    stored = (await site.client("audra").get(f"/v1/approvals/{approval['id']}")).json()
    assert stored["decision"]["proof"] == kept


async def test_it_is_kept_of_what_was_only_recorded_and_of_what_did_not_count(site: Site) -> None:
    approval = await asked(site.client("bot"))
    site.temporal.worker_up = False
    await said(site.client("dana"), approval, card_digest=CARD)
    await said(site.client("eve"), approval, "reject")
    await site.temporal.return_worker()
    found = (await site.client("audra").get(f"/v1/approvals/{approval['id']}")).json()
    assert found["decision"]["proof"]["card_digest"] == CARD
    assert [one["proof"]["method"] for one in found["refused"]] == ["key"]


async def test_no_event_and_no_secret_has_it(site: Site) -> None:
    approval = await asked(site.client("bot"))
    await said(site.client("dana"), approval, card_digest=CARD)
    events = await site.ledger.events_after(None, 50)
    assert all("proof" not in event.model_dump_json() for event in events)
    assert key_of("dana") not in repr(site.temporal.updates)
    assert DANAS + mark_of("dana").removeprefix("sha256:")[12] not in repr(site.temporal.updates)


@pytest.mark.parametrize("keeps", [True, False])
async def test_the_address_is_kept_where_that_is_configured(make_site: Callable[..., Site], *, keeps: bool) -> None:
    site = make_site(having={"keep_addresses": keeps})
    approval = await asked(site.client("bot"))
    await said(site.client("dana"), approval)
    stored = (await site.client("audra").get(f"/v1/approvals/{approval['id']}")).json()
    assert stored["decision"]["proof"]["address"] == ("127.0.0.1" if keeps else None)


@pytest.mark.parametrize("given", ["", "x", "sha256:", "sha256:" + "C" * 64, 5])
async def test_what_is_no_digest_of_a_card_is_refused(site: Site, given: object) -> None:
    approval = await asked(site.client("bot"))
    problem(await said(site.client("dana"), approval, card_digest=given), 422, "invalid_request")


async def test_a_repeat_is_one_whatever_card_it_names(site: Site) -> None:
    approval = await asked(site.client("bot"))
    first = await said(site.client("dana"), approval, key="k", card_digest=CARD)
    again = await said(site.client("dana"), approval, key="k")
    assert (again.status_code, again.json()) == (200, first.json())
