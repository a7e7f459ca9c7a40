"""Measures what a person feels: how long `placet up` takes, and how long a decision does.

Prints one line a measurement, with the median, the 95th percentile and the slowest. `make bench`.
"""

from __future__ import annotations

import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx

from placet_testing.running_up import running_up, until

STARTS: Final = 3
DECISIONS: Final = 100
SETTLING: Final = 2.0
"""Seconds between the last question and the first decision."""
APPROVAL: Final = {"kind": "tool_call", "tool": "refund", "args": {"amount": 12.5}, "title": "Refund"}


def measure(name: str, seconds: list[float]) -> None:
    """Prints one line."""
    ordered = sorted(seconds)
    slow = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    median = statistics.median(ordered)
    print(
        f"{name:44} p50 {median * 1000:8.1f} ms   p95 {slow * 1000:8.1f} ms   max {ordered[-1] * 1000:8.1f} ms"
        f"   n {len(ordered)}",
        flush=True,
    )


def timed(action: Callable[[], object]) -> float:
    """Returns the seconds that it took."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def starts(data: Path) -> Iterator[tuple[float, float]]:
    """Yields the seconds to a start and to a stop, again and again on the same folder."""
    for _ in range(STARTS):
        began = time.perf_counter()
        with running_up(data) as up:
            start = time.perf_counter() - began
            yield start, timed(lambda: up.end(signal.SIGTERM))


def post(client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Returns the answer's body.

    Raises:
        httpx.HTTPStatusError: It is not a success.
    """
    return client.post(path, json=body).raise_for_status().json()


def decisions(data: Path) -> tuple[list[float], list[float], list[float]]:
    """Returns the seconds of asking, deciding and reading, one after another.

    Everything is asked before anything is decided, as people do: a decision that meets the approval's own first steps
    waits for them.
    """
    asking: list[float] = []
    deciding: list[float] = []
    reading: list[float] = []
    asked: list[dict[str, Any]] = []
    with running_up(data) as up, httpx.Client(base_url=f"{up.url}/v1", timeout=30) as client:
        asking.extend(timed(lambda: asked.append(post(client, "/approvals", APPROVAL))) for _ in range(DECISIONS))
        time.sleep(SETTLING)
        for one in asked:
            path = f"/approvals/{one['id']}"
            decision = {"type": "approve", "digest": one["digest"]}
            deciding.append(timed(lambda: post(client, f"{path}/decision", decision)))  # noqa: B023  (called at once)
            reading.append(timed(lambda: client.get(path).raise_for_status()))  # noqa: B023  (called at once)
        until(lambda: client.get("/approvals").json()["items"] == [])
        up.end(signal.SIGTERM)
    return asking, deciding, reading


def main() -> None:
    """Runs all measurements on a folder of their own."""
    with tempfile.TemporaryDirectory(prefix="placet-bench-") as folder:
        data = Path(folder) / "data"
        first, *later = list(starts(data))
        measure("up, first start on a folder", [first[0]])
        measure("up, later starts", [start for start, _ in later])
        measure("stop by SIGTERM", [stop for _, stop in (first, *later)])
        for name, seconds in zip(("ask", "decide", "read one"), decisions(data), strict=True):
            measure(f"{name} over HTTP, one after another", seconds)


if __name__ == "__main__":
    main()
