"""What only this surface refuses, beside the codes of `/v1`."""

from __future__ import annotations

from typing import Final, Literal

from placet.api.errors import GatewayError

SurfaceCode = Literal["interrupt_changed", "no_such_interrupt", "not_offered", "thread_exists"]
MEANINGS: Final[dict[SurfaceCode, tuple[int, str]]] = {
    "interrupt_changed": (409, "What waits is not what you were shown"),
    "no_such_interrupt": (409, "The interrupt does not wait for an answer"),
    "not_offered": (404, "Placet does not offer this part of LangGraph's surface"),
    "thread_exists": (409, "There is a thread of that id already"),
}
"""Status and title of each code; never 5xx, which older clients send again by themselves."""


class SurfaceError(GatewayError):
    """An answer that is a "no", of this surface only.

    Attributes:
        code: Which one.
        detail: A sentence for people.
        named: What the code names.
    """

    def __init__(self, *, code: SurfaceCode, detail: str, **named: object) -> None:
        super().__init__(detail)
        self.code: SurfaceCode = code
        self.detail = detail
        self.named = named
