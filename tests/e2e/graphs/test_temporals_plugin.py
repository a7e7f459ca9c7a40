"""What ADR 0025 says of Temporal's own LangGraph plugin is so: there LangGraph is replayed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.repeated
@pytest.mark.timeout(240)
def test_temporals_plugin_does_what_the_decision_says_of_it(
    temporal_server: str, temporals_plugin: Path, tmp_path: Path
) -> None:
    paths = [os.environ.get("PYTHONPATH", ""), str(temporals_plugin)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "GRAPH_EFFECTS": str(tmp_path / "effects.txt"),
    }
    program = "import sys; from placet_testing.graphs.plugged import tell; tell(sys.argv[1])"
    command = [sys.executable, "-c", program, temporal_server]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])  # Temporal logs before it.
    notes = ["one", "told yes"]
    assert found["answered"] == {"notes": notes, "ran": ["one", "ask", "ask"]}
    assert found["answered after a restart"] == {"notes": notes, "ran": ["one", "ask", "ask", "ask"]}
    for change in ("renamed", "inserted before"):
        assert found[change].startswith("[TMPRL1100]"), change
    assert found["inserted behind"] == [*notes, "other"]
    assert found["chosen"] == "NotImplementedError"
    assert found["nested"] == "Node inner must be a RunnableCallable"
    assert "closures/local functions are not supported" in found["agent"]
