"""What goes wrong in a page without anybody looking: errors, refused content, requests that leave."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, WebError

ABORTED: Final = "net::ERR_ABORTED"
"""What a page itself stopped, most often by being left."""
_REPORT: Final = """
addEventListener('securitypolicyviolation', (event) =>
  console.error(`policy: ${event.violatedDirective} refused ${event.blockedURI} in ${event.sourceFile}`));
"""


@dataclass
class Watch:
    """Looks over one person's shoulder.

    Attributes:
        origin: Where every request has to go.
        problems: What went wrong.
        expected: Patterns of what is part of the test.
    """

    origin: str
    problems: list[str] = field(default_factory=list[str])
    expected: list[str] = field(default_factory=list[str])

    def follow(self, context: BrowserContext) -> None:
        """Follows every page of the context."""
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)
        context.on("requestfailed", self._failed)
        context.add_init_script(_REPORT)

    def unexpected(self) -> list[str]:
        """Returns what went wrong that is not part of the test."""
        return [one for one in self.problems if not any(re.search(pattern, one) for pattern in self.expected)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.problems.append(f"console: {message.text} ({message.location['url']})")

    def _error(self, error: WebError) -> None:
        self.problems.append(f"error: {error.error}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.origin}/", "data:", "blob:")):
            self.problems.append(f"left the origin: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != ABORTED:
            self.problems.append(f"failed: {request.method} {request.url}: {request.failure}")
