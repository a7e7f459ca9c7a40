"""Whatever is sent by whom: no 5xx, only answers that the OpenAPI document tells of, and no change by a refusal."""

from __future__ import annotations

import secrets

import pytest

from placet_testing.deployment import Deployment
from placet_testing.fuzzing import Findings, fuzz

CHAINS = (
    "GET /v1/approvals/{approval_id} 200",
    "POST /v1/approvals 201",
    "POST /v1/approvals/{approval_id}/cancel 200",
    "POST /v1/approvals/{approval_id}/decision 200",
    "POST /v1/approvals/{approval_id}/decision 403",
    "POST /v1/approvals/{approval_id}/decision 409",
    "POST /v1/runs 201",
    "GET /v1/runs/{run_id} 200",
    "GET /v1/runs/{run_id}/events 200",
    "POST /v1/runs/{run_id}/cancel 202",
)
"""Answers that only a chain of requests reaches."""


def check(found: Findings) -> None:
    shown = "\n\n".join(f"{kind}\n{first}" for kind, first in found.wrong.items())
    assert not found.wrong, shown
    assert not [name for name in found.answered if name.rpartition(" ")[2] >= "500"]


@pytest.mark.timeout(120)
def test_a_few_requests_of_several_people_are_answered_as_the_document_says(deployment: Deployment) -> None:
    check(fuzz(deployment, requests_wanted=100, seed=7))


@pytest.mark.repeated
@pytest.mark.timeout(3_600)
def test_ten_thousand_requests_are_answered_as_the_document_says_and_no_refusal_changes_anything(
    deployment: Deployment,
) -> None:
    seed = secrets.randbits(32)
    print(f"\nseed {seed}")  # noqa: T201 - the way to have the same people in the same places again
    found = fuzz(deployment, requests_wanted=10_000, seed=seed)
    print("\n".join(f"{count:6} {name}" for name, count in sorted(found.answered.items())))  # noqa: T201
    check(found)
    assert found.sent >= 10_000
    assert not [name for name in found.answered if name.endswith(" 401")], "everybody who sends has a key"
    assert set(CHAINS) <= set(found.answered)
