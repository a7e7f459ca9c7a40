"""The two bases of every model that crosses a boundary."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict

CLOSED: Final = ConfigDict(extra="forbid")
"""For a message's twin that clients send: a field that nobody knows is refused."""


class Message(BaseModel):
    """What is stored in Temporal or the ledger: immutable, and deaf to fields of a later version."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Inside(Message):
    """What only our own workflows and activities say to each other: a field that is None is not written.

    History keeps every message for good, and so the nulls of each; a field that may be None is None by default.
    """


class RequestBody(BaseModel):
    """What a client sends: immutable, and refused where it holds a field that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")
