"""What clients send: they add fields at will, so an unknown one is not looked at."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from placet.api.bodies import invalid_request
from placet.api.errors import ProblemError


def _nothing_is_empty(value: object) -> object:
    return {} if value is None else value


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


Metadata = Annotated[dict[str, JsonValue], BeforeValidator(_nothing_is_empty)]
Modes = Annotated[list[str], BeforeValidator(_one_or_more)]
"""Stream modes: one, or a list of them."""
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
"""How many, or from which on; as much as a database counts."""
ThreadId = Annotated[str, Field(min_length=1, max_length=200)]


def refused_body(*, at: str, message: str) -> ProblemError:
    """Returns the refusal of a body that says what cannot be done here."""
    return invalid_request([{"pointer": at, "message": message}])


class Loose(BaseModel):
    """A body of which only the fields that count are read."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class AssistantSearch(Loose):
    """The body of POST `/assistants/search`."""

    graph_id: str | None = None
    name: str | None = None
    limit: Count | None = None
    offset: Count | None = None


class NewThread(Loose):
    """The body of POST `/threads`."""

    thread_id: ThreadId | None = None
    metadata: Metadata = Field(default_factory=dict)
    if_exists: Literal["raise", "do_nothing"] | None = None


class ThreadChange(Loose):
    """The body of PATCH `/threads/{thread_id}`."""

    metadata: Metadata = Field(default_factory=dict)


class ThreadSearch(Loose):
    """The body of POST `/threads/search` and `/threads/count`."""

    ids: list[str] | None = None
    metadata: Metadata = Field(default_factory=dict)
    values: Metadata = Field(default_factory=dict)
    status: Literal["idle", "busy", "interrupted", "error"] | None = None
    limit: Count | None = None
    offset: Count | None = None
    sort_by: str | None = None
    sort_order: Literal["asc", "desc"] | None = None
    select: list[str] | None = None


class HistoryQuery(Loose):
    """The body of POST `/threads/{thread_id}/history`."""

    limit: Count | None = None
    before: JsonValue = None


class StateUpdate(Loose):
    """The body of POST `/threads/{thread_id}/state`."""

    values: JsonValue = None
    as_node: str | None = None


class RunBody(Loose):
    """The body of every endpoint that starts a run or answers an interrupt."""

    assistant_id: str = Field(min_length=1, max_length=500)
    input: JsonValue = None
    context: JsonValue = None
    command: dict[str, Any] | None = None
    metadata: Metadata = Field(default_factory=dict)
    stream_mode: Modes | None = None
    multitask_strategy: str | None = None
    if_not_exists: str | None = None
    checkpoint: dict[str, Any] | None = None
    checkpoint_id: str | None = None

    @property
    def moment(self) -> object:
        """The moment of the thread that the client had before it, where it says one."""
        return self.checkpoint_id or (self.checkpoint or {}).get("checkpoint_id")
