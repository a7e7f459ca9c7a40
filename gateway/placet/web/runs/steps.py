"""What a run has done so far, step by step, from its transcript."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from placet.cards.rows import rows
from placet.cards.visible import lines, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from placet.contracts.approvals import Approval
    from placet.ledger import AgentRow

GOAL: Final = 300
"""Characters of the goal that are shown."""
SHOWN: Final = 2_000
"""Characters of a message that are shown before the rest is asked for."""
_BRIEF: Final = 120
Schemas = Mapping[str, Mapping[str, Any]]
"""Of the arguments of tools, by the tool's name: they say what is a secret."""
Role = Literal["person", "agent", "system", "result"]
_ROLES: Final[dict[str, Role]] = {"human": "person", "ai": "agent", "system": "system", "tool": "result"}


@dataclass(frozen=True)
class Step:
    """A call that a run made.

    Attributes:
        state: `done`, `failed`, or `waits` where it has no result yet.
    """

    tool: str
    brief: str
    state: Literal["done", "failed", "waits"]
    result: str


@dataclass(frozen=True)
class Said:
    """A message of a transcript, safe to print; what a model or a tool said is never ours.

    Attributes:
        hidden: How many characters `text` leaves out.
        calls: What the message asks to be called.
        failed: Whether it is the result of a call that failed.
    """

    role: Role
    who: str
    text: tuple[str, ...]
    hidden: int
    calls: tuple[tuple[str, str], ...]
    failed: bool


def schemas_of(agent: str, agents: Iterable[AgentRow], approvals: Iterable[Approval] = ()) -> Schemas:
    """Returns the schemas of an agent's tools; approvals keep that of their time, where the agent has gone."""
    asked = {one.tool: one.args_schema for one in approvals if one.args_schema is not None}
    tools = {tool.name: tool.args_schema for one in agents if one.name == agent for tool in one.tools}
    return {**asked, **tools}


def goal(messages: Sequence[Mapping[str, Any]]) -> str:
    """Returns what the run was started with: the first message of a person."""
    first = next((_text(message) for message in messages if message.get("type") == "human"), "")
    return one_line(first[:GOAL] + ("…" if len(first) > GOAL else ""))


def steps(messages: Sequence[Mapping[str, Any]], schemas: Schemas) -> list[Step]:
    """Returns the calls in the order in which they were asked for, each with what came of it."""
    results = {
        str(_data(message).get("tool_call_id")): _data(message) for message in messages if message.get("type") == "tool"
    }
    return [
        _step(call, results.get(str(call.get("id"))), schemas)
        for message in messages
        if message.get("type") == "ai"
        for call in _calls(message)
    ]


def transcript(messages: Sequence[Mapping[str, Any]], schemas: Schemas, *, whole: bool) -> list[Said]:
    """Returns the messages, each cut where it is long unless the whole is wanted."""
    return [_said(message, schemas, None if whole else SHOWN) for message in messages]


def _said(message: Mapping[str, Any], schemas: Schemas, limit: int | None) -> Said:
    data, text = _data(message), _text(message)
    role = _ROLES.get(str(message.get("type")), "system")
    shown = text if limit is None else text[:limit]
    return Said(
        role=role,
        who=one_line(str(data.get("name") or "")),
        text=lines(shown) if shown else (),
        hidden=len(text) - len(shown),
        calls=tuple((one_line(str(call.get("name"))), _arguments(call, schemas)) for call in _calls(message)),
        failed=data.get("status") == "error",
    )


def _step(call: Mapping[str, Any], result: Mapping[str, Any] | None, schemas: Schemas) -> Step:
    text = "" if result is None else _content(result.get("content"))
    failed = result is not None and result.get("status") == "error"
    return Step(
        tool=one_line(str(call.get("name"))),
        brief=_cut(_arguments(call, schemas)),
        state="waits" if result is None else "failed" if failed else "done",
        result=_cut(one_line(text)),
    )


def _arguments(call: Mapping[str, Any], schemas: Schemas) -> str:
    args = call.get("args")
    if not isinstance(args, dict):
        return ""
    shown = rows(cast("dict[str, Any]", args), schemas.get(str(call.get("name"))), limit=_BRIEF)
    return ", ".join(f"{row.name}: {row.brief}" for row in shown)


def _calls(message: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    calls: object = _data(message).get("tool_calls")
    for call in cast("list[object]", calls) if isinstance(calls, list) else ():
        if isinstance(call, dict):
            yield cast("dict[str, Any]", call)


def _data(message: Mapping[str, Any]) -> Mapping[str, Any]:
    data: object = message.get("data")
    return cast("dict[str, Any]", data) if isinstance(data, dict) else {}


def _text(message: Mapping[str, Any]) -> str:
    return _content(_data(message).get("content"))


def _content(content: object) -> str:
    """Returns the text of a message's content: as it is, or that of its parts."""
    if isinstance(content, str):
        return content
    parts = cast("list[object]", content) if isinstance(content, list) else []
    texts = (part if isinstance(part, str) else _part(part) for part in parts)
    return "\n".join(text for text in texts if text)


def _part(part: object) -> str:
    if not isinstance(part, dict):
        return ""
    given = cast("dict[str, Any]", part)
    return str(given.get("text", "")) if given.get("type") == "text" else f"[{given.get('type', 'something')}]"


def _cut(text: str) -> str:
    return text if len(text) <= _BRIEF else f"{text[:_BRIEF]}…"
