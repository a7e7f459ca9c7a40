"""One `placet up` with graphs for all tests of this folder."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from placet_testing.graphs.running import Graphs, running_graphs


@pytest.fixture(scope="session")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> Generator[Graphs]:
    with running_graphs(tmp_path_factory.mktemp("graphs")) as running:
        yield running
