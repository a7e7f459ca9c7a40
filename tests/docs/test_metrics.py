"""What the dashboard and the alerts of the docs ask for is what gateways and workers show."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import pytest
import yaml

from placet.telemetry.catalogue import AGES, CATALOGUE, Metric
from placet_testing.pages import TREE, file_of

DASHBOARD: Final = TREE / "docs" / "reference" / "grafana-dashboard.json"
PAGE: Final = "docs/how-to/watch-it.md"
OF_PROMETHEUS: Final = {"instance", "job", "pod", "le"}
_SELECTOR: Final = re.compile(r"(placet_\w+)(?:\{([^}]*)\})?")
_GROUPING: Final = re.compile(r"\b(?:by|without) \(([^)]*)\)")


def exposed() -> dict[str, Metric]:
    """Returns every name that a query may have, with its metric."""
    names: dict[str, Metric] = {}
    for metric in CATALOGUE:
        suffixes = ("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",)
        names |= {metric.name + suffix: metric for suffix in suffixes}
    return names


def panels() -> list[dict[str, Any]]:
    board = cast("dict[str, Any]", json.loads(DASHBOARD.read_text("utf-8")))
    return cast("list[dict[str, Any]]", board["panels"])


def queries() -> Iterator[tuple[str, str]]:
    """Yields where each query stands, and the query."""
    for panel in panels():
        yield from ((panel["title"], target["expr"]) for target in panel.get("targets", ()))
    for group in yaml.safe_load(file_of(PAGE, "placet-alerts.yml"))["groups"]:
        yield from ((rule["alert"], rule["expr"]) for rule in group["rules"])


@pytest.mark.parametrize("query", [pytest.param(query, id=name) for name, query in queries()])
def test_a_query_asks_for_metrics_and_labels_that_are_there(query: str) -> None:
    known = exposed()
    asked = _SELECTOR.findall(query)
    assert asked, "it asks for nothing of ours"
    labels: set[str] = set()
    for name, selector in asked:
        assert name in known, name
        labels |= set(known[name].labels)
        assert set(re.findall(r"(\w+)=~?", selector)) <= {*known[name].labels, *OF_PROMETHEUS}
        assert set(re.findall(r'age="([^"]*)"', selector)) <= set(AGES)
    for grouped in _GROUPING.findall(query):
        assert set(re.findall(r"\w+", grouped)) <= labels | OF_PROMETHEUS, grouped
    assert query.count("(") == query.count(")")


def test_a_counter_is_asked_for_its_rate_and_a_gauge_for_its_value() -> None:
    known = exposed()
    for where, query in queries():
        for name, _ in _SELECTOR.findall(query):
            counts = known[name].kind != "gauge"
            assert bool(re.search(rf"(?:rate|increase)\({name}\b", query)) == counts, where


def test_the_dashboard_shows_every_metric() -> None:
    asked = {
        name for panel in panels() for one in panel.get("targets", ()) for name, _ in _SELECTOR.findall(one["expr"])
    }
    assert {exposed()[name].name for name in asked} == {metric.name for metric in CATALOGUE}


def test_panels_do_not_overlap() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in panels():
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]
        assert place["x"] + place["w"] <= 24
    assert len({panel["id"] for panel in panels()}) == len(panels())


def test_the_scrape_configuration_names_both_kinds_of_processes() -> None:
    said = yaml.safe_load(file_of(PAGE, "prometheus.yml"))
    assert [job["job_name"] for job in said["scrape_configs"]] == ["placet-gateway", "placet-worker"]
    assert said["rule_files"] == ["placet-alerts.yml"]


def test_the_reference_names_every_metric_once() -> None:
    text = Path(TREE, "docs", "reference", "metrics.md").read_text("utf-8")
    assert re.findall(r"^\| `(placet_\w+)` \|", text, re.MULTILINE) == [metric.name for metric in CATALOGUE]
