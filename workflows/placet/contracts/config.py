"""`placet.yaml`: agents, policy, people.

Only the form is checked here. `placet.engine.config_file` reads the file and names the line of everything that is
wrong with it.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Final, Literal, NamedTuple, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from placet.contracts.calls import DEFAULT_APPROVERS, DEFAULT_EXPIRES_AFTER, Effect, OnExpiry, Risk, Terms
from placet.contracts.decisions import CALL_DECISIONS, CallDecision
from placet.contracts.durations import Duration
from placet.contracts.sign_in import Role, SignIn

Mode = Literal["default", "dont_ask", "bypass"]
Step = Literal["superstep", "segment"]

Location = tuple[str | int, ...]
"""Where in the file, as pydantic names it: `("policy", "rules", 0, "tool")`."""

VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""A variable of the environment in a text."""

LONGEST_CONDITION: Final = 2_000
"""Characters of a `when`."""

_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_USER: Final = r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}"
_APPROVER: Final = re.compile(r"requester|(?:user|group):\S(?:.*\S)?|role:(?:requester|approver|auditor|admin)")
_REFERENCE: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_SERVER: Final = r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}"
_OF_A_MODEL: Final = frozenset({"prompt", "tools", "mcp", "ask_human", "max_turns"})
"""Keys of an agent that say something of its model."""
_OF_A_GRAPH: Final = frozenset({"step", "terms"})


def _approver(value: str) -> str:
    if not _APPROVER.fullmatch(value):
        message = (
            f"{value[:80]!r} is no approver: write user:…, group:…, requester, "
            "or role: with requester, approver, auditor or admin"
        )
        raise ValueError(message)
    return value


def _reference(value: str) -> str:
    if not _REFERENCE.fullmatch(value):
        message = f"{value[:80]!r} is no reference: write module:attribute"
        raise ValueError(message)
    return value


def _with_variables(value: str) -> str:
    if "${" in VARIABLE.sub("", value):
        message = "the name of a variable of the environment is written ${NAME}"
        raise ValueError(message)
    return value


def _web_address(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]\S*", value):
        message = f"{value[:80]!r} is no address: write http://… or https://…"
        raise ValueError(message)
    return value


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        message = f"{twice[0]!r} is given twice"
        raise ValueError(message)
    return values


def _finite(value: str) -> str:
    if value == "never":
        message = "an attempt of a tool cannot run for ever: write a length"
        raise ValueError(message)
    return value


_Text = Annotated[str, StringConstraints(min_length=1)]
Glob = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Globs = Annotated[
    tuple[Glob, ...],
    BeforeValidator(_listed),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
Approver = Annotated[str, AfterValidator(_approver)]
Approvers = Annotated[tuple[Approver, ...], Field(min_length=1)]
Decisions = Annotated[tuple[CallDecision, ...], Field(min_length=1), AfterValidator(_each_once)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
Reference = Annotated[str, AfterValidator(_reference)]
Key = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
WithVariables = Annotated[str, AfterValidator(_with_variables)]
"""A text in which `${NAME}` stands for a variable of the worker's environment."""


class _Section(BaseModel):
    """A part of the file: a key that nobody knows is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class McpServerConfig(_Section):
    """An MCP server: a program that the worker starts, or an address.

    Attributes:
        tools: Globs of the server's own names for the tools that the agent gets.
        prefix: Whether the model sees each tool with the server's name and `_` in front.
    """

    command: _Text | None = None
    args: tuple[str, ...] = ()
    env: dict[Annotated[str, StringConstraints(pattern=r"^[^=\x00]+$")], WithVariables] = Field(
        default_factory=dict[str, str]
    )
    cwd: _Text | None = None
    url: Annotated[str, AfterValidator(_web_address)] | None = None
    headers: dict[Annotated[str, StringConstraints(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")], WithVariables] = Field(
        default_factory=dict[str, str]
    )
    tools: Globs = ("*",)
    prefix: bool = Field(default=True, strict=True)

    @model_validator(mode="after")
    def _one_transport(self) -> Self:
        """Refuses a server that could be reached in two ways or in none, and keys that would do nothing."""
        if (self.command is None) == (self.url is None):
            message = "a server has either a command or a url"
            raise ValueError(message)
        idle = {"args", "env", "cwd"} if self.command is None else {"headers"}
        unused = sorted(idle & self.model_fields_set)
        if unused:
            message = f"{unused[0]} does nothing for a server with a {'url' if self.command is None else 'command'}"
            raise ValueError(message)
        return self


class InterruptTerms(_Section):
    """The terms of what a graph asks without naming a tool; what is left out here is as `questions` has it."""

    approvers: Approvers | None = None
    expires_after: Duration | None = None
    risk: Risk | None = None

    def over(self, terms: Terms) -> Terms:
        """Returns terms with these in their place."""
        return terms.model_copy(update=self.model_dump(exclude_none=True))


class AgentConfig(_Section):
    """An agent: a model, a prompt and tools, or a LangGraph graph.

    Attributes:
        graph: A compiled graph, or what makes one.
        step: How much of a graph runs in one activity: a superstep, also where nothing is said, or all of it from one
            wait to the next.
        terms: Of a graph's plain interrupts.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["model"], "properties": dict.fromkeys(sorted(_OF_A_GRAPH), False)},
                {"required": ["graph"], "properties": dict.fromkeys(sorted(_OF_A_MODEL), False)},
            ]
        }
    )

    description: str | None = None
    model: _Text | None = None
    graph: Annotated[Reference | None, Field(validate_default=True)] = None
    prompt: str | None = None
    tools: tuple[Reference, ...] = ()
    mcp: dict[Annotated[str, StringConstraints(pattern=f"^{_SERVER}$")], McpServerConfig] = Field(
        default_factory=dict[str, McpServerConfig]
    )
    idempotent: tuple[Glob, ...] = ()
    tool_timeout: Annotated[Duration, AfterValidator(_finite)] = "1h"
    ask_human: bool = Field(default=False, strict=True)
    max_turns: int = Field(default=40, ge=1, le=10_000, strict=True)
    step: Step | None = None
    terms: InterruptTerms | None = None

    @field_validator("graph")
    @classmethod
    def _model_or_graph(cls, graph: str | None, info: ValidationInfo) -> str | None:
        """Refuses an agent that is both or neither."""
        if "model" in info.data and (info.data["model"] is None) == (graph is None):
            message = "an agent has either a model or a graph"
            raise ValueError(message)
        return graph

    @model_validator(mode="after")
    def _nothing_idle(self) -> Self:
        """Refuses keys that would do nothing for a graph, or for a model."""
        idle, kind = (_OF_A_MODEL, "a graph") if self.graph is not None else (_OF_A_GRAPH, "a model")
        unused = sorted(idle & self.model_fields_set)
        if unused:
            message = f"{unused[0]} does nothing for an agent that is {kind}"
            raise ValueError(message)
        return self


class Rule(_Section):
    """One rule of policy; what it leaves out of its terms comes from `defaults`.

    Attributes:
        when: A condition in CEL.
        title: A template of an approval's headline.
        reason: A template of why, for people and for the model.
        describe: A function of the call that returns the reason.
    """

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    tool: Globs = ("*",)
    agent: Globs = ("*",)
    when: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_CONDITION)] | None = None
    effect: Effect
    title: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None
    reason: Reason | None = None
    describe: Reference | None = None
    risk: Risk | None = None
    decisions: Decisions | None = None
    approvers: Approvers | None = None
    self_approval: bool | None = None
    expires_after: Duration | None = None
    on_expiry: OnExpiry | None = None


class PolicyConfig(_Section):
    """Which calls run at once, which never, and which ask."""

    enabled: bool = True
    mode: Mode = "default"
    deny: tuple[Glob, ...] = ()
    ask: tuple[Glob, ...] = ()
    allow: tuple[Glob, ...] = ()
    reason: Reason | None = None
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

    def terms(self) -> Terms:
        """Returns the terms."""
        return Terms(approvers=self.approvers, expires_after=self.expires_after)


class User(_Section):
    """Somebody, or some program, that signs in with a key.

    Attributes:
        agent: It is a program that starts runs and asks. Its keys never read the inbox and never decide, not even
            where an approval names its requester; it has the role requester and no group.
    """

    name: str | None = None
    groups: tuple[_Text, ...] = ()
    roles: tuple[Role, ...] = ()
    keys: tuple[Key, ...] = ()
    agent: bool = Field(default=False, strict=True)

    @model_validator(mode="after")
    def _no_more_than_an_agent(self) -> Self:
        if self.agent and (self.groups or not set(self.roles) <= {"requester"}):
            message = "an agent has the role requester, no other, and no groups"
            raise ValueError(message)
        return self


class People(_Section):
    """Who signs in."""

    # Before the users, whose check looks at it.
    sign_in: SignIn | None = None
    users: dict[Annotated[str, StringConstraints(pattern=f"^{_USER}$")], User] = Field(
        default_factory=dict[str, User], validate_default=True
    )

    @field_validator("users")
    @classmethod
    def _somebody(cls, users: dict[str, User], info: ValidationInfo) -> dict[str, User]:
        """Refuses people of whom there is none: an identity provider brings its own."""
        sign_in: SignIn | None = info.data.get("sign_in")
        if not users and "sign_in" in info.data and (sign_in is None or sign_in.oidc is None):
            message = "name at least one user, or sign_in with oidc"
            raise ValueError(message)
        return users

    @model_validator(mode="after")
    def _one_user_a_key(self) -> Self:
        """Refuses a key of two users: who signs in with it would be anybody's guess."""
        owners: dict[str, str] = {}
        for user, entry in self.users.items():
            for key in set(entry.keys):
                if key in owners:
                    message = f"{owners[key]} and {user} have the same key: {key[:19]}…"
                    raise ValueError(message)
                owners[key] = user
        return self


class Marks(NamedTuple):
    """Where the parts of a configuration stand.

    Attributes:
        file: The file's name.
        lines: The line of each place, from 1.
    """

    file: str
    lines: dict[Location, int]


class Config(_Section):
    """The whole file. Without `people` there is one person, `local`, on this machine only."""

    agents: dict[Annotated[str, StringConstraints(pattern=f"^{_NAME}$")], AgentConfig] = Field(
        default_factory=dict[str, AgentConfig]
    )
    policy: PolicyConfig = PolicyConfig()
    defaults: Defaults = Defaults()
    questions: Questions = Questions()
    people: People | None = None

    _marks: Marks | None = PrivateAttr(default=None)

    def marked(self, marks: Marks) -> Self:
        """Returns the configuration with the lines that it was read from."""
        self._marks = marks
        return self

    def where(self, *location: str | int) -> str:
        """Returns `file:line: path` of a part, or the path alone where no file was read."""
        path = ".".join(map(str, location))
        if self._marks is None:
            return path
        lines = self._marks.lines
        known = next(location[:end] for end in range(len(location), -1, -1) if location[:end] in lines)
        return f"{self._marks.file}:{lines[known]}: {path}"
