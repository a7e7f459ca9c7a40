"""`examples/report`, run as its README says."""

from __future__ import annotations

from pathlib import Path

import pytest

from placet_testing.graphs.running import Graphs
from placet_testing.running_up import running_up

pytestmark = pytest.mark.timeout(180)

CONFIG = Path(__file__).parents[3] / "examples" / "report" / "placet.yaml"


def test_two_questions_at_once_and_then_an_approval(tmp_path: Path) -> None:
    with running_up(tmp_path / "data", "--config", str(CONFIG)) as up:
        graphs = Graphs(up, tmp_path / "effects.txt")
        run = graphs.start("report", {"topic": "tea"})
        asked = {one["metadata"]["graph"]["node"]: one for one in graphs.pending(run, 2)}
        assert graphs.answer(asked["tone"], "1").status_code == 200
        assert graphs.answer(asked["figures"], text="all").status_code == 200
        graphs.until(lambda: [one for one in graphs.run(run)["pending"] if one["tool"] == "publish"] or None, run)
        (publish,) = graphs.pending(run, 1)
        assert (publish["title"], publish["risk"]) == ("Publish the report", "high")
        assert publish["args"]["text"] == "A report on tea. Its figures: all. Its tone is festive."
        assert graphs.decide(publish).status_code == 200
        assert '"Published."' in graphs.ended(run)["output"]
