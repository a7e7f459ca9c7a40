"""Fixtures: browsers before a deployment, as people have them.

| fixture | scope | gives |
| --- | --- | --- |
| `browser` | module | Debian's Chromium, without windows |
| `stack` | test | a worker, a gateway of local mode and one with people, all up; shared by the session |
| `hands` | test | each way to use a page: mouse, keyboard, no scripts |
| `browser_stack` | session | the same, as it was left |
| `open_page` | test | opens an address as somebody, in a browser of their own |

A test fails for what goes wrong in a page that it opened: an error on the console, content that the policy refuses, a
request that fails or leaves the origin. What belongs to the test is named before: `open_page.expects("status of 409")`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from placet.engine.errors import ProvisionError
from placet.engine.progress import silent
from placet_testing.browser.chromium import chromium, running_browser
from placet_testing.browser.hands import WAYS, Hands
from placet_testing.browser.stack import LOCAL, SIGNED, Stack, new_stack
from placet_testing.browser.watching import Watch
from placet_testing.deployments import folder_of
from placet_testing.servers import unavailable

PATIENCE: Final = 30_000
"""Milliseconds that a page has for what is expected of it: the machine is shared."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    try:
        program = chromium(silent)
    except ProvisionError as error:
        unavailable(str(error))
    expect.set_options(timeout=PATIENCE)
    with running_browser(program) as started:
        yield started


@pytest.fixture(scope="session")
def browser_stack(temporal_server: str) -> Iterator[Stack]:
    with folder_of("browser") as folder:
        made = new_stack(folder, temporal_server)
        try:
            yield made
        finally:
            made.close()


@pytest.fixture
def stack(browser_stack: Stack) -> Stack:
    """A worker and two gateways, all up."""
    browser_stack.start()
    return browser_stack


@pytest.fixture(params=list(WAYS.values()), ids=list(WAYS))
def hands(request: pytest.FixtureRequest) -> Hands:
    """A way to use a page."""
    return request.param


@dataclass
class Opening:
    """Opens pages, each person in a browser of their own."""

    browser: Browser
    stack: Stack
    watches: list[Watch] = field(default_factory=list[Watch])
    contexts: list[BrowserContext] = field(default_factory=list[BrowserContext])
    expected: list[str] = field(default_factory=list[str])

    def __call__(
        self,
        path: str = "/inbox",
        user: str = "",
        *,
        scripts: bool = True,
        gateway: int | None = None,
        **options: Any,
    ) -> Page:
        """Opens an address.

        Args:
            path: Of the page.
            user: Who opens it; nobody in particular in local mode.
            scripts: Whether scripts run.
            gateway: Whose address it is; without it that of local mode, or that of `user`.
            options: Of the browser's context, as Playwright calls them.
        """
        page = self.context(user, scripts=scripts, gateway=gateway, **options).new_page()
        page.goto(path)
        return page

    def context(
        self, user: str = "", *, scripts: bool = True, gateway: int | None = None, **options: Any
    ) -> BrowserContext:
        """Returns a browser of somebody's, with no page open."""
        base = self.stack.url(gateway=(SIGNED if user else LOCAL) if gateway is None else gateway)
        context = self.browser.new_context(base_url=base, java_script_enabled=scripts, **options)
        if user:
            cookies = self.stack.session(user)
            context.add_cookies([{"name": name, "value": value, "url": base} for name, value in cookies.items()])
        context.set_default_timeout(PATIENCE)
        watch = Watch(base, expected=self.expected)
        watch.follow(context)
        self.watches.append(watch)
        self.contexts.append(context)
        return context

    def expects(self, *patterns: str) -> None:
        """Takes something that goes wrong in a page as part of the test."""
        self.expected += patterns

    def close(self) -> None:
        """Closes every browser, and fails for what went wrong in any of them."""
        for context in self.contexts:
            context.close()
        wrong = [one for watch in self.watches for one in watch.unexpected()]
        assert not wrong, "\n".join(wrong)


@pytest.fixture
def open_page(browser: Browser, stack: Stack) -> Iterator[Opening]:
    """Opens an address as somebody."""
    opening = Opening(browser, stack)
    yield opening
    opening.close()
