"""Graphs that are run superstep by superstep, with checkpoints of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from placet.graphs import Checkpoints
from placet_testing.graphs.stepping import Runs


@pytest.fixture
async def runs(tmp_path: Path) -> AsyncIterator[Runs]:
    """Runs over checkpoints in a new file."""
    checkpoints = Checkpoints(make_url(f"sqlite+aiosqlite:///{tmp_path}/ledger.db"))
    yield Runs(checkpoints)
    await checkpoints.close()
