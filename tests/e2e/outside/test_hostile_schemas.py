"""A schema from somebody who means harm: the answer is a clear one, and nobody else waits for it."""

from __future__ import annotations

import threading
from typing import Any, Final

import pytest

from placet_testing.deployment import Deployment

pytestmark = pytest.mark.timeout(120)

RUNGS: Final[dict[str, Any]] = {f"r{at}": {"anyOf": [{"$ref": f"#/$defs/r{at + 1}"}] * 2} for at in range(40)}
HOSTILE: Final[dict[str, dict[str, Any]]] = {
    "a ladder": {"$defs": {**RUNGS, "r40": {"not": {}}}, "$ref": "#/$defs/r0"},
    "a pattern beyond linear time": {"properties": {"text": {"pattern": "^(?=(a+)+$)"}}},
    "a ladder in another draft": {
        "properties": {
            "text": {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "$defs": {**RUNGS, "r40": {"not": {}}},
                "$ref": "#/properties/text/$defs/r0",
            }
        }
    },
}


@pytest.mark.parametrize("schema", HOSTILE.values(), ids=HOSTILE)
def test_an_edit_that_cannot_be_checked_is_refused_while_others_are_answered(
    deployment: Deployment, schema: dict[str, Any]
) -> None:
    asked = deployment.ask(args_schema=schema)
    other = deployment.ask()
    answers: list[int] = []
    answered = threading.Event()

    def edit() -> None:
        answers.append(deployment.decide(asked, "edit", args={"text": "a" * 60 + "!"}).status_code)
        answered.set()

    thread = threading.Thread(target=edit)
    thread.start()
    assert deployment.decide(other, user="eve").status_code == 200
    assert answered.wait(10), "an answer takes at most ten seconds"
    thread.join()
    assert answers == [422]
    assert deployment.read(asked)["status"] == "pending"
    assert deployment.decide(asked).status_code == 200


def test_a_pattern_that_python_would_search_for_ever_is_searched_at_once(deployment: Deployment) -> None:
    asked = deployment.ask(args_schema={"properties": {"text": {"pattern": "^(a+)+$"}}})
    refused = deployment.decide(asked, "edit", args={"text": "a" * 60 + "!"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_args")
    assert refused.json()["errors"][0]["pointer"] == "/args/text"
    assert deployment.decide(asked, "edit", args={"text": "a" * 60}).status_code == 200


def test_a_schema_that_is_too_large_to_look_through_is_refused(deployment: Deployment) -> None:
    schema: dict[str, Any] = {"properties": {f"p{at}": {} for at in range(60_000)}}
    body: dict[str, Any] = {"kind": "tool_call", "tool": "refund", "title": "Refund", "args_schema": schema}
    answer = deployment.client("bot").post("/v1/approvals", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"][0]["pointer"] == "/args_schema"
