"""Clients of LangGraph, on the deployment that tests share."""

from collections.abc import Iterator

import pytest

from placet_testing.chatting import Chat
from placet_testing.deployment import Deployment


@pytest.fixture
def chat(deployment: Deployment) -> Iterator[Chat]:
    """People with clients; every connection is closed at the end."""
    with Chat(deployment) as made:
        yield made
