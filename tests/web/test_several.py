"""Deciding on several by one form: each for itself, with its own result."""

from __future__ import annotations

from typing import Any

from bs4 import BeautifulSoup
from httpx import AsyncClient

from placet.contracts.approvals import ApprovalInput
from placet.contracts.records import RequestedEntry
from placet_testing.gateway import Site, asked, said
from placet_testing.ledger_samples import an_approval, new_id
from placet_testing.web import on_a_page, read


def picks(*approvals: dict[str, Any]) -> list[str]:
    return [f"{one['id']} {one['digest']}" for one in approvals]


def fields(page: BeautifulSoup) -> dict[str, Any]:
    """Returns what the page's form that decides would send."""
    sent: dict[str, Any] = {}
    for field in page.select("main form [name]"):
        sent.setdefault(str(field["name"]), []).append(str(field.get("value", "")))
    return sent


async def status_of(client: AsyncClient, approval: dict[str, Any]) -> str:
    return (await client.get(f"/v1/approvals/{approval['id']}")).json()["status"]


async def test_several_of_one_tool_are_shown_with_what_differs_and_then_decided(local_site: Site) -> None:
    client = await on_a_page(local_site.client())
    three = [await asked(client, args={"amount": amount, "order": "A-1"}) for amount in (1, 2, 2)]
    page = read(await client.post("/inbox/several", data={"type": "approve", "pick": picks(*three)}))
    assert [await status_of(client, one) for one in three] == ["pending"] * 3
    differences = [" ".join(cell.text.split()) for cell in page.select(".changes tbody td")]
    assert differences == ["amount 2", "amount 2"]
    form = fields(page)
    for _ in range(2):
        results = read(await client.post("/inbox/several/decision", data=form))
        assert [row["data-counted"] for row in results.select("tr[data-id]")] == ["true"] * 3
    assert [await status_of(client, one) for one in three] == ["approved"] * 3


async def test_who_asks_is_told_where_it_is_somebody_else(site: Site) -> None:
    asks = [await asked(site.client(user)) for user in ("bot", "root", "bot")]
    page = read(await site.client("dana").post("/inbox/several", data={"type": "approve", "pick": picks(*asks)}))
    differences = [" ".join(cell.text.split()) for cell in page.select(".changes tbody td")]
    assert differences == ["asked by root", "nothing: the same arguments"]


async def test_what_may_not_be_decided_together_is_left_out_and_told(local_site: Site) -> None:
    client = await on_a_page(local_site.client())
    good = await asked(client)
    left = {
        "individual review: its risk is high": await asked(client, risk="high"),
        "another tool": await asked(client, tool="pay"),
        "not all of it fits": await asked(client, args={"amount": 1, "order": "x" * 3_000}),
        "It does not take approve": await asked(client, decisions=["reject"]),
        "It has changed": {**await asked(client), "digest": "sha256:" + "0" * 64},
    }
    decided = await asked(client)
    await said(client, decided)
    every = picks(good, *left.values(), decided)
    page = read(await client.post("/inbox/several", data={"type": "approve", "pick": every}))
    assert "Approve 1 of refund" in " ".join(page.select_one("h1").text.split())  # pyright: ignore[reportOptionalMemberAccess]
    for why in (*left, "Approved by Local"):
        assert why in page.text, why
    results = read(await client.post("/inbox/several/decision", data={"type": "approve", "pick": every}))
    counted = {str(row["data-id"]) for row in results.select("tr[data-counted=true]")}
    assert counted == {good["id"]}
    assert [await status_of(client, one) for one in left.values()] == ["pending"] * len(left)


async def test_nobody_decides_on_what_they_may_not(site: Site) -> None:
    own = await asked(site.client("max"))
    hidden = await asked(site.client("bot"), approvers=["group:finance"])
    answer = await site.client("max").post(
        "/inbox/several/decision", data={"type": "approve", "pick": picks(own, hidden)}
    )
    page = read(answer)
    assert not page.select("tr[data-counted=true]")
    assert not page.select(f"tr[data-id='{hidden['id']}']")
    assert await status_of(site.client("root"), own) == "pending"


async def test_more_than_a_hundred_or_none_are_refused(local_site: Site) -> None:
    client = await on_a_page(local_site.client())
    for many in ([], [f"{number:032x} x" for number in range(101)]):
        read(await client.post("/inbox/several", data={"type": "approve", "pick": many}), 422)
    read(await client.post("/inbox/several", data={"type": "answer", "pick": ["x y"]}), 422)


async def call_of_turn(site: Site, run_id: str, turn: int, amount: int) -> dict[str, Any]:
    """Returns a call of a run that waits."""
    body = {"kind": "tool_call", "tool": "refund", "args": {"amount": amount}, "title": f"Refund {amount}"}
    approval_id = new_id()
    await site.temporal.start(approval_id, ApprovalInput.model_validate({**body, "run_id": run_id, "turn": turn}))
    waits = site.temporal.approvals[approval_id].asked.model_copy(update={"run_id": run_id, "turn": turn})
    await site.ledger.record(waits, 0, (RequestedEntry(),))
    return {"id": approval_id, "digest": waits.args.digest}


async def test_a_turn_is_found_behind_any_number_of_others_and_every_choice_has_a_result(local_site: Site) -> None:
    client = await on_a_page(local_site.client())
    run = (await client.post("/v1/runs", json={"agent": "billing", "input": "x"})).json()["id"]
    for _ in range(201):
        await local_site.ledger.record(an_approval(run_id=run, turn=0), 0, (RequestedEntry(),))
    first, second, third = [await call_of_turn(local_site, run, 1, amount) for amount in (1, 2, 3)]
    path = f"/runs/{run}/turns/1"
    sent = fields(read(await client.get(path)))
    del sent["all"]
    assert {f"digest-{one['id']}" for one in (first, second, third)} <= set(sent)
    elsewhere = new_id()
    sent |= {f"type-{one['id']}": "approve" for one in (first, second)} | {f"type-{third['id']}": ""}
    sent |= {f"digest-{elsewhere}": first["digest"], f"type-{elsewhere}": "approve"}
    await said(client, second, "reject")
    page = read(await client.post(path, data=sent))
    told = {str(row["data-id"]): " ".join(row.td.text.split()) for row in page.select("tr[data-id]") if row.td}
    assert set(told) == {first["id"], second["id"], elsewhere}
    assert told[first["id"]].startswith("Approved by Local (web)")
    assert told[second["id"]].startswith("Not applied. Already rejected by Local (api)")
    assert told[elsewhere].startswith("Not applied. There is no such call")
    assert await status_of(client, third) == "pending"


async def test_approving_every_call_of_a_turn_leaves_a_marked_no_a_no(local_site: Site) -> None:
    client = await on_a_page(local_site.client())
    run = (await client.post("/v1/runs", json={"agent": "billing", "input": "x"})).json()["id"]
    marked, other = [await call_of_turn(local_site, run, 1, amount) for amount in (1, 2)]
    path = f"/runs/{run}/turns/1"
    sent = fields(read(await client.get(path)))
    assert sent["all"] == ["approve"]
    await client.post(path, data=sent | {f"type-{marked['id']}": "reject", f"type-{other['id']}": ""})
    assert [await status_of(client, one) for one in (marked, other)] == ["rejected", "approved"]


async def test_a_turn_of_more_calls_than_a_page_holds_is_read_and_decided_page_by_page(local_site: Site) -> None:
    client = await on_a_page(local_site.client())
    run = (await client.post("/v1/runs", json={"agent": "billing", "input": "Refund many"})).json()["id"]
    every = [await call_of_turn(local_site, run, 1, amount) for amount in range(103)]
    path = f"/runs/{run}/turns/1"
    first = read(await client.get(path))
    assert "103 calls of turn 2" in first.text
    assert "0 of 103 answered" in first.text
    link = first.select_one("a[rel=next]")
    assert link is not None
    second = read(await client.get(str(link["href"])))
    assert second.select_one("a[rel=next]") is None
    shown = [str(one["data-id"]) for page in (first, second) for one in page.select("section[data-id]")]
    assert (len(shown), set(shown)) == (103, {one["id"] for one in every})
    results = read(await client.post(path, data=fields(second) | {"all": "approve"}))
    assert [row["data-counted"] for row in results.select("tr[data-id]")] == ["true"] * 3
    assert "3 of 103 answered" in read(await client.get(path)).text


async def test_a_form_decides_only_on_calls_of_its_own_turn(local_site: Site) -> None:
    client = await on_a_page(local_site.client())
    run = (await client.post("/v1/runs", json={"agent": "billing", "input": "Refund"})).json()["id"]
    other = await call_of_turn(local_site, run, 2, 1)
    form = {"batch": "b", f"digest-{other['id']}": other["digest"], f"type-{other['id']}": "approve"}
    results = read(await client.post(f"/runs/{run}/turns/1", data=form))
    assert "no such call in this turn" in results.text
    assert await status_of(client, other) == "pending"
    too_many = {f"digest-{new_id()}": "x" for _ in range(101)}
    read(await client.post(f"/runs/{run}/turns/1", data=too_many), 422)
