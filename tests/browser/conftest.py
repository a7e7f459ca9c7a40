"""The fixtures of `placet_testing.browser.fixtures`, and a time limit that a loaded machine keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from placet_testing.browser.fixtures import browser, browser_stack, hands, open_page, stack

__all__ = ["browser", "browser_stack", "hands", "open_page", "stack"]
LIMIT = 240
"""Seconds: the first test of a process starts everything."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LIMIT))
