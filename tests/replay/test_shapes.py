"""The shape of a history: what tells two apart, what does not, and that those of new shapes are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from placet_testing.faults.histories import GOLDEN, cleaned, golden_steps, is_new, shape_of, steps_in, write


def golden(name: str) -> dict[str, Any]:
    return json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))


@pytest.mark.parametrize("name", ["approval-rejected", "approval-responded", "approval-edited"])
def test_what_was_said_makes_no_shape(name: str) -> None:
    assert shape_of(golden(name)) == shape_of(golden("approval-approved"))


@pytest.mark.parametrize("name", ["approval-expired", "approval-two-at-once-by-signal", "approval-cancelled"])
def test_how_it_came_makes_a_shape(name: str) -> None:
    assert shape_of(golden(name)) != shape_of(golden("approval-approved"))


def test_an_attempt_more_makes_a_shape() -> None:
    history = golden("run-approved")
    before = shape_of(history)
    tool = next(event for event in history["events"] if "placet.tool" in json.dumps(event))
    started = history["events"][history["events"].index(tool) + 1]
    started["activityTaskStartedEventAttributes"]["attempt"] = 2
    (step,) = shape_of(history) - before
    told, _, done = step.partition(" → ")
    assert told == "AgentRun: activity task completed placet.tool, activity task started again placet.tool"
    assert done == "activity task scheduled placet.model"


def test_the_order_of_what_came_at_once_makes_no_shape() -> None:
    history = golden("approval-worker-gone-and-too-late")
    before, events = shape_of(history), history["events"]
    places = [place for place, event in enumerate(events) if "SIGNALED" in event["eventType"]]
    fired = [place for place, event in enumerate(events) if "TIMER_FIRED" in event["eventType"]]
    events[places[0]], events[fired[0]] = events[fired[0]], events[places[0]]
    assert shape_of(history) == before


def test_every_golden_history_is_of_a_known_shape(tmp_path: Path) -> None:
    for file in GOLDEN.glob("*.json"):
        assert not is_new(json.loads(file.read_text("utf-8")), tmp_path)


def test_a_history_of_a_new_shape_is_kept_once_and_names_no_machine(tmp_path: Path) -> None:
    history = golden("approval-approved")
    signal = golden("approval-two-at-once-by-signal")["events"]
    came = next(event for event in signal if "SIGNALED" in event["eventType"])
    history["events"].insert(6, {**came, "identity": "1@a-machine", "stackTrace": "File a.py"})
    assert is_new(history, tmp_path)
    write(history, tmp_path)
    assert not is_new(history, tmp_path)
    (kept,) = tmp_path.iterdir()
    assert kept.name == "Approval-000.json"
    assert "a-machine" not in kept.read_text("utf-8")
    assert "a.py" not in kept.read_text("utf-8")
    assert steps_in(tmp_path) - golden_steps()


def test_what_names_the_machine_is_cleaned_at_any_depth() -> None:
    given = {"events": [{"a": {"identity": "7@host", "stackTrace": "File", "kept": 1}}]}
    assert cleaned(given) == {"events": [{"a": {"identity": "recorder", "kept": 1}}]}
