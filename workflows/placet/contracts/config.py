"""`placet.yaml`: agents, policy, people."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from placet.contracts.calls import DEFAULT_APPROVERS, DEFAULT_EXPIRES_AFTER, Effect, OnExpiry, Risk, Terms
from placet.contracts.decisions import CALL_DECISIONS, CallDecision
from placet.contracts.durations import Duration

Role = Literal["requester", "approver", "auditor", "admin"]
Mode = Literal["default", "dont_ask", "bypass"]

LATER: Final = "comes with a later version; take it out"

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_APPROVER: Final = re.compile(r"requester|(?:user|group|role):.+")
_REFERENCE: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def _approver(value: object) -> object:
    if isinstance(value, str) and not _APPROVER.fullmatch(value):
        message = f"{value!r} is no approver: write user:…, group:…, role:… or requester"
        raise ValueError(message)
    return value


def _reference(value: object) -> object:
    if isinstance(value, str) and not _REFERENCE.fullmatch(value):
        message = f"{value!r} is no reference: write module:attribute"
        raise ValueError(message)
    return value


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Approver = Annotated[str, BeforeValidator(_approver)]
Approvers = Annotated[tuple[Approver, ...], Field(min_length=1)]
Decisions = Annotated[tuple[CallDecision, ...], Field(min_length=1)]
Reference = Annotated[str, BeforeValidator(_reference)]
Glob = Annotated[str, StringConstraints(min_length=1)]
Globs = Annotated[tuple[Glob, ...], BeforeValidator(_listed), Field(min_length=1)]


class _Section(BaseModel):
    """A part of the file: a key that nobody knows is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AgentConfig(_Section):
    """An agent: a model, a prompt and tools."""

    description: str | None = None
    model: str = Field(min_length=1)
    prompt: str | None = None
    tools: tuple[Reference, ...] = ()
    idempotent: tuple[Glob, ...] = ()
    tool_timeout: Duration = "1h"
    ask_human: bool = False
    max_turns: int = Field(default=40, ge=1, le=10_000)

    @model_validator(mode="before")
    @classmethod
    def _no_graph_yet(cls, value: object) -> object:
        if isinstance(value, dict) and "graph" in value:
            message = f"graph: {LATER}"
            raise ValueError(message)
        return value  # pyright: ignore[reportUnknownVariableType]

    @model_validator(mode="after")
    def _no_questions_yet(self) -> Self:
        if self.ask_human:
            message = f"ask_human: {LATER}"
            raise ValueError(message)
        return self


class Rule(_Section):
    """One rule of policy; what it leaves out of its terms comes from `defaults`."""

    name: str | None = None
    tool: Globs = ("*",)
    agent: Globs = ("*",)
    effect: Effect
    reason: str | None = None
    risk: Risk | None = None
    decisions: Decisions | None = None
    approvers: Approvers | None = None
    self_approval: bool | None = None
    expires_after: Duration | None = None
    on_expiry: OnExpiry | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_conditions_yet(cls, value: object) -> object:
        if isinstance(value, dict):
            for key in ("when", "title", "describe"):
                if key in value:
                    message = f"{key}: {LATER}"
                    raise ValueError(message)
        return value  # pyright: ignore[reportUnknownVariableType]


class PolicyConfig(_Section):
    """Which calls run at once, which never, and which ask."""

    enabled: bool = True
    mode: Mode = "default"
    deny: tuple[Glob, ...] = ()
    ask: tuple[Glob, ...] = ()
    allow: tuple[Glob, ...] = ()
    reason: str | None = None
    rules: tuple[Rule, ...] = ()


class Defaults(_Section):
    """The terms of an approval where no rule says otherwise."""

    decisions: Decisions = CALL_DECISIONS  # pyright: ignore[reportAssignmentType] - the same words
    approvers: Approvers = DEFAULT_APPROVERS
    self_approval: bool = False
    expires_after: Duration = DEFAULT_EXPIRES_AFTER
    on_expiry: OnExpiry = "reject"
    risk: Risk = "medium"

    def terms(self) -> Terms:
        """Returns the terms."""
        return Terms.model_validate(self.model_dump())


class Questions(_Section):
    """The terms of questions that agents ask."""

    approvers: Approvers = ("requester", *DEFAULT_APPROVERS)
    expires_after: Duration = DEFAULT_EXPIRES_AFTER


class User(_Section):
    """Somebody, or some program, that signs in with a key."""

    name: str | None = None
    groups: tuple[str, ...] = ()
    roles: tuple[Role, ...] = ()
    keys: tuple[Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")], ...] = ()


class People(_Section):
    """Who signs in."""

    users: dict[Annotated[str, StringConstraints(pattern=f"^{_NAME}$")], User] = Field(default_factory=dict[str, User])


class Config(_Section):
    """The whole file. Without `people` there is one person, `local`, on this machine only."""

    agents: dict[Annotated[str, StringConstraints(pattern=f"^{_NAME}$")], AgentConfig] = Field(
        default_factory=dict[str, AgentConfig]
    )
    policy: PolicyConfig = PolicyConfig()
    defaults: Defaults = Defaults()
    questions: Questions = Questions()
    people: People | None = None
