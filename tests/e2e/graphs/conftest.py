"""One `placet up` with graphs for all tests of this folder, and one whose worker may be killed."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from placet_testing.graphs.running import Graphs, running_graphs


@pytest.fixture(scope="session")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> Generator[Graphs]:
    with running_graphs(tmp_path_factory.mktemp("graphs")) as running:
        yield running


@pytest.fixture(scope="session")
def doomed(tmp_path_factory: pytest.TempPathFactory) -> Generator[Graphs]:
    with running_graphs(tmp_path_factory.mktemp("mortal")) as running:
        yield running


@pytest.fixture
def mortal(doomed: Graphs) -> Graphs:
    """Gives graphs whose worker may be killed, and which have done nothing yet."""
    doomed.effects.unlink(missing_ok=True)
    return doomed
