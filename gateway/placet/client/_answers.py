"""What the gateway answers beside the models of `placet.contracts`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list; `next_cursor` continues it, None ends it."""

    items: tuple[T, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class Recorded:
    """A decision that is durable and not yet counted: no worker answered in time.

    It counts unless another was recorded before it. `approval.decision.id` tells later whether it was this one,
    `approval.refused` why not.
    """

    decision_id: str


class Me(BaseModel):
    """Whom the gateway takes the caller for, and how it knows."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    name: str | None = None
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    method: str
    credential: str | None = None


class KeyCard(BaseModel):
    """A key, without what opens anything."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    user: str
    current: bool = False
    revoked_at: str | None = None
    revoked_by: str | None = None


class AgentTool(BaseModel):
    """A tool as an agent's model sees it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str
    description: str | None = None


class AgentCard(BaseModel):
    """An agent that runs can be started of."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str
    description: str | None = None
    model: str | None = None
    tools: tuple[AgentTool, ...] = ()


class ItemResult(BaseModel):
    """What became of one decision of a list: the status and body that it would have had alone."""

    model_config = ConfigDict(frozen=True)

    approval_id: str
    status: int
    body: dict[str, JsonValue]
