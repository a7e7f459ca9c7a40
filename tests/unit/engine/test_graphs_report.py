"""What `placet doctor` says of graphs: what the worker has published of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from placet.engine.findings import Finding, State
from placet.engine.graphs_report import examine_graphs
from placet.engine.settings import Settings
from placet.ledger import AgentRow, Ledger

REMEDY = "See docs/how-to/run-a-langgraph-graph.md, under “What to know”."


async def published(folder: Path, *agents: AgentRow) -> Settings:
    """Returns the settings of a ledger in which a worker has published agents."""
    file = folder / "ledger.db"
    ledger = Ledger.at(str(file))
    await ledger.migrate()
    await ledger.put_agents(agents)
    await ledger.close()
    return Settings(ledger_url=f"sqlite:///{file}")


async def test_each_warning_of_a_graph_is_a_finding_with_a_way_out(tmp_path: Path) -> None:
    shop = AgentRow(name="shop", warnings=("its store is in memory", "it runs from wait to wait"))
    settings = await published(tmp_path, AgentRow(name="desk"), shop)
    assert await examine_graphs(settings) == [
        Finding(subject="graph", state=State.IDLE, found=f"shop: {warning}", remedy=REMEDY) for warning in shop.warnings
    ]


async def test_the_page_that_the_remedy_names_has_that_heading() -> None:
    page = Path(__file__).parents[3] / "docs" / "how-to" / "run-a-langgraph-graph.md"
    assert "\n## What to know\n" in page.read_text("utf-8")


@pytest.mark.parametrize("there", ["no file", "an empty file", "an address that nobody answers"])
async def test_a_ledger_that_cannot_be_read_is_no_finding_here_and_none_is_made(tmp_path: Path, there: str) -> None:
    file = tmp_path / "ledger.db"
    if there == "an empty file":
        file.touch()
    address = "postgresql://127.0.0.1:1/nothing" if there.startswith("an address") else f"sqlite:///{file}"
    assert await examine_graphs(Settings(ledger_url=address)) == []
    assert file.exists() == (there == "an empty file")
