"""What the second protocol sends."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from placet.langgraph_api.bodies import Loose, Metadata

LARGEST_NUMBER: Final = 2**53 - 1
"""What every client can count to."""
Number = Annotated[int, Field(ge=0, le=LARGEST_NUMBER)]


def _nothing_is_empty(value: object) -> object:
    return {} if value is None else value


class Command(Loose):
    """The body of POST `/threads/{thread_id}/commands`."""

    id: Number
    method: str = Field(max_length=100)
    params: Annotated[dict[str, Any], BeforeValidator(_nothing_is_empty)] = Field(default_factory=dict)


class RunStart(Loose):
    """The parameters of `run.start`."""

    assistant_id: str = Field(min_length=1, max_length=500)
    input: Any = None
    config: dict[str, Any] | None = None
    metadata: Metadata = Field(default_factory=dict)
    multitask_strategy: str | None = None
    multitaskStrategy: str | None = None  # noqa: N815 - the name that older clients send

    @property
    def strategy(self) -> str | None:
        """What becomes of a run that goes on."""
        return self.multitask_strategy or self.multitaskStrategy

    @property
    def checkpoint_id(self) -> str | None:
        """The moment from which the client wants to go on."""
        configurable: object = (self.config or {}).get("configurable")
        found: object = configurable.get("checkpoint_id") if isinstance(configurable, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        return found if isinstance(found, str) else None


class Response(Loose):
    """One answer of `input.respond`."""

    interrupt_id: str = Field(min_length=1, max_length=200)
    response: Any = None


class InputRespond(Loose):
    """The parameters of `input.respond`: one answer, or several to what waits at the same moment."""

    interrupt_id: str | None = Field(default=None, min_length=1, max_length=200)
    response: Any = None
    responses: list[Response] | None = None
    update: Any = None
    goto: Any = None
    metadata: Metadata = Field(default_factory=dict)


class EventsQuery(Loose):
    """The body of POST `/threads/{thread_id}/stream/events`.

    Attributes:
        channels: What is told of.
        namespaces: Only what is below one of these; everything that Placet tells of is at the root.
        since: Only what is behind this number.
    """

    channels: list[str] = Field(default_factory=list)
    namespaces: list[list[str]] | None = None
    since: Number | None = None

    def shows(self, channel: str) -> bool:
        """Returns whether the client wants what happens at the root on a channel."""
        return channel in self.channels and (not self.namespaces or [] in self.namespaces)
