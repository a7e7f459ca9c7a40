"""The gateway's metrics move with what happens, and say nothing of anybody or of what was said."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from placet.api import create_app
from placet.api.errors import UnreachableError
from placet.engine.settings import Settings
from placet.ledger import Ledger
from placet.telemetry import catalogue
from placet_testing.gateway import Site, asked, config_of, key_of, people, problem, said

Figures = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def scraped(site: Site, user: str | None = "root") -> str:
    answer = await site.client(user).get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text


def figures(text: str) -> Figures:
    families = text_string_to_metric_families(text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


async def figure(site: Site, name: str, **labels: str) -> float | None:
    return figures(await scraped(site)).get((name, tuple(sorted(labels.items()))))


async def test_a_decision_moves_the_counters(site: Site) -> None:
    approval = await asked(site.client("bot"))
    assert (await said(site.client("dana"), approval)).status_code == 200
    problem(await said(site.client("eve"), approval, "reject"), 409, "already_decided")
    assert await figure(site, "placet_decisions_total", type="approve", answer="200") == 1
    assert await figure(site, "placet_decisions_total", type="reject", answer="already_decided") == 1
    assert await figure(site, "placet_decision_seconds_count", status="200") == 1
    assert await figure(site, "placet_decision_seconds_count", status="409") == 1
    assert await figure(site, "placet_refusals_total", code="already_decided") == 1
    route = "/v1/approvals/{approval_id}/decision"
    assert await figure(site, "placet_http_requests_total", method="POST", route=route, status="200") == 1
    assert await figure(site, "placet_http_requests_total", method="POST", route=route, status="409") == 1


async def test_each_decision_of_a_list_counts(site: Site) -> None:
    approvals = [await asked(site.client("bot")) for _ in range(3)]
    decisions = [{"approval_id": one["id"], "type": "reject", "digest": one["digest"]} for one in approvals]
    answer = await site.client("dana").post("/v1/decisions", json={"decisions": decisions})
    assert answer.status_code == 200
    assert await figure(site, "placet_decisions_total", type="reject", answer="200") == 3


async def test_what_only_a_stranger_would_send_makes_no_series(site: Site) -> None:
    client = site.client("dana")
    approval = await asked(site.client("bot"))
    problem(await said(client, approval, "kiss"), 422, "invalid_decision")
    problem(await client.get("/v1/../etc/passwd-stranger"), 404, "not_found")
    await client.request("STRANGE", "/v1/approvals")
    text = await scraped(site)
    for strange in ("kiss", "stranger", "STRANGE", "passwd"):
        assert strange not in text
    assert await figure(site, "placet_http_requests_total", method="GET", route="unmatched", status="404") == 1


async def test_nothing_secret_or_of_a_person_is_in_the_metrics(site: Site) -> None:
    args = {"amount": 250, "order": "order-4711"}
    approval = await asked(site.client("bot"), args=args, title="The title of it", reason="The reason of it")
    await said(site.client("dana"), approval, "reject", key="key-of-the-decision", message="words of dana")
    await said(site.client("eve"), approval, "approve")
    await site.client("dana").get(f"/v1/approvals/{approval['id']}?q=searched-for")
    problem(await site.client("dana").get("/v1/approvals/id-of-nothing"), 404, "not_found")
    text = await scraped(site)
    said_of_it = [
        *(approval["id"], approval["digest"], "order-4711", "title", "reason of", "words", "key-of", "searched-for"),
        *("id-of-nothing", "dana", "eve", "root", "refund", key_of("dana")),
    ]
    assert [word for word in said_of_it if word in text] == []
    assert re.findall(r"\{[^}]*[0-9a-f]{16,}[^}]*\}", text) == []


async def test_what_waits_is_counted_by_its_age(site: Site) -> None:
    await asked(site.client("bot"), expires_after="2h")
    site.clock.advance(minutes=40)
    await asked(site.client("bot"))
    await asked(site.client("bot"), expires_after="1m")
    site.clock.advance(minutes=2)
    waiting = {"agent": "", "kind": "tool_call"}
    assert await figure(site, "placet_approvals_pending", age="5m", **waiting) == 1
    assert await figure(site, "placet_approvals_pending", age="1h", **waiting) == 1
    assert await figure(site, "placet_approvals_overdue", **waiting) == 1
    oldest = await figure(site, "placet_approvals_oldest_pending_seconds")
    assert oldest == timedelta(minutes=42).total_seconds()


async def test_the_ledger_is_asked_once_in_ten_seconds(site: Site) -> None:
    await scraped(site)
    await asked(site.client("bot"))
    waiting = {"agent": "", "kind": "tool_call", "age": "5m"}
    assert await figure(site, "placet_approvals_pending", **waiting) is None
    site.clock.advance(seconds=11)
    assert await figure(site, "placet_approvals_pending", **waiting) == 1


async def test_a_ledger_that_cannot_be_read_leaves_its_figures_out(
    make_site: Callable[..., Site], site: Site, tmp_path: Path
) -> None:
    without_tables = Ledger.at(str(tmp_path / "empty.db"))
    down = make_site(ledger=without_tables, temporal=site.temporal)
    text = await scraped(down)
    assert "placet_approvals_pending{" not in text
    assert "placet_approvals_oldest" not in text
    assert figures(text)["placet_ledger_failures_total", ()] >= 1
    await without_tables.close()


async def test_temporal_that_is_down_is_counted(ledger: Ledger, unused_tcp_port: int) -> None:
    settings = Settings.from_environment({"TEMPORAL_ADDRESS": f"127.0.0.1:{unused_tcp_port}"})
    app = create_app(settings, config_of(people()), ledger=ledger)
    services: Any = app.state.services
    with pytest.raises(UnreachableError):
        await services.temporal.pollers()
    counted = services.metrics.registry.get_sample_value("placet_temporal_failures_total", {"reason": "unreachable"})
    assert counted == 1


@pytest.mark.parametrize(("user", "status"), [("root", 200), ("audra", 200), ("dana", 403), ("bot", 403)])
async def test_auditors_and_admins_read_the_metrics(site: Site, user: str, status: int) -> None:
    assert (await site.client(user).get("/metrics")).status_code == status


async def test_in_local_mode_this_machine_reads_the_metrics(local_site: Site) -> None:
    await scraped(local_site, user=None)


async def test_a_setting_opens_the_metrics_to_everybody_or_to_nobody(tmp_path: Path, ledger: Ledger) -> None:
    for readers, status in (("public", 200), ("keyed", 401), ("off", 404)):
        settings = Settings.from_environment({"PLACET_GATEWAY_METRICS": readers, "PLACET_DATA": str(tmp_path)})
        app = create_app(settings, config_of(people()), ledger=ledger)
        site = Site(app, None, ledger, None)  # pyright: ignore[reportArgumentType]
        client = site.client()
        assert (await client.get("/metrics")).status_code == status
        await client.aclose()


async def test_two_gateways_of_one_process_count_for_themselves(make_site: Callable[..., Site]) -> None:
    one, other = make_site(), make_site()
    await asked(one.client("bot"))
    posted = {"method": "POST", "route": "/v1/approvals", "status": "201"}
    assert await figure(one, "placet_http_requests_total", **posted) == 1
    assert await figure(other, "placet_http_requests_total", **posted) is None


async def test_everything_that_is_shown_is_in_the_catalogue(site: Site) -> None:
    approval = await asked(site.client("bot"))
    await said(site.client("dana"), approval)
    shown = set(re.findall(r"^# TYPE (\S+)", await scraped(site), re.MULTILINE))
    known = {metric.name for metric in catalogue.CATALOGUE if "gateway" in metric.process}
    assert {name for name in shown if not name.endswith("_created")} == known
