"""What an interrupt asks, and what it is told: LangChain's forms, the older one, and anything else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, cast

from langgraph.types import Interrupt

from placet.agents import Tool
from placet.contracts.approvals import Outcome
from placet.contracts.canonical import parse_object
from placet.contracts.decisions import CALL_DECISIONS
from placet.contracts.graphs import Form
from placet.contracts.questions import Answer
from placet.graphs._asked import asked_by_tool, result_of
from placet.graphs._questions import misfits, question_of
from placet.graphs._shapes import Call, Waiting
from placet.graphs._shown import beside, plain
from placet.graphs._uncertain import looked_at, turn_of, uncertain_call
from placet.graphs.errors import MisfitError

_OLD: Final = {"allow_accept": "approve", "allow_edit": "edit", "allow_ignore": "reject", "allow_respond": "respond"}
_WITHOUT_REVIEW: Final = ("approve", "reject")
_LONGEST_TOOL: Final = 200
_NOBODY: Final[dict[str, str]] = {
    "expired": "Nobody decided in time, so this call was not run. Do not try the same call again.",
    "cancelled": "The request was withdrawn before anybody decided; this call was not run.",
    "superseded": "The request was withdrawn before anybody decided; this call was not run.",
    "rejected": "A person did not allow this call; it was not run. Do not try the same call again.",
}


class Place(NamedTuple):
    """Where an interrupt was raised: the node, the namespace of its graph, and the task of the graph itself."""

    node: str
    namespace: str = ""
    task: str = ""


def read(interrupt: Interrupt[Any], place: Place, tools: Mapping[str, Tool]) -> Waiting:
    """Returns what an interrupt asks.

    Args:
        interrupt: As LangGraph gives it.
        place: Where it was raised.
        tools: The graph's, for the schemas of their arguments.
    """
    value: object = interrupt.value
    uncertain = uncertain_call(value, tools)
    if uncertain is not None:
        return replace(_waiting(interrupt, place, "uncertain", [uncertain]), turn=turn_of(value))
    by_tool = asked_by_tool(value)
    form, calls = ("question", [by_tool]) if by_tool else _calls(value, interrupt.response_schema, tools)
    if not calls:
        asked = question_of(value, interrupt.response_schema, place.node)
        form, calls = "question", [Call(questions=(asked.question,), context=asked.context, refusable=False)]
    return _waiting(interrupt, place, form, calls)


def _waiting(interrupt: Interrupt[Any], place: Place, form: Form, calls: Sequence[Call]) -> Waiting:
    return Waiting(
        id=interrupt.id, task=place.task, form=form, node=place.node, namespace=place.namespace, calls=tuple(calls)
    )


def answer(interrupt: Interrupt[Any], waiting: Waiting, outcomes: Sequence[Outcome]) -> object:
    """Returns the value with which an interrupt is resumed.

    Raises:
        MisfitError: It is none that the graph takes; the interrupt has to be asked about again.
    """
    if waiting.form == "uncertain":
        return looked_at(interrupt.value, outcomes[0])
    if waiting.form == "question" and asked_by_tool(interrupt.value):
        return result_of(waiting.calls[0], outcomes[0])
    if waiting.form == "question":
        decision = outcomes[0].decision
        given = next(iter((decision.answers or {}).values()), Answer()) if decision else Answer()
        return question_of(interrupt.value, interrupt.response_schema, waiting.node).read(given)
    told = [_decision(call, outcome) for call, outcome in zip(waiting.calls, outcomes, strict=True)]
    if waiting.form == "old":
        return [_old_answer(one) for one in told]
    return {"decisions": told} if waiting.form == "batch" else told[0]


def _calls(value: object, schema: object, tools: Mapping[str, Tool]) -> tuple[Form, list[Call]]:
    if isinstance(value, list):
        listed = cast("list[object]", value)
        calls = [_old_call(one, tools) for one in listed]
        return "old", [call for call in calls if call is not None] if all(calls) else []
    if not isinstance(value, Mapping):
        return "question", []
    members = cast("Mapping[str, Any]", value)
    requests = members.get("action_requests", members.get("actionRequests"))
    if isinstance(requests, list):
        return "batch", _batch(cast("list[object]", requests), members, tools)
    if members.get("type") == "tool_approval" and isinstance(members.get("name"), str):
        decisions = _decisions_of(schema)
        form: Form = "policy" if members.get("policy_decides") is True else "call"
        return form, [_call(members["name"], members.get("args"), decisions, tools, members.get("description"))]
    old = _old_call(members, tools)
    return "old", [old] if old is not None else []


def _batch(requests: Sequence[object], value: Mapping[str, Any], tools: Mapping[str, Tool]) -> list[Call]:
    """Returns the calls of a batch; none where one of its requests is no call, for then it is no batch."""
    wanted = [request for request in map(_members, requests) if isinstance(request.get("name"), str)]
    if len(wanted) != len(requests):
        return []
    listed: object = value.get("review_configs", value.get("reviewConfigs"))
    reviews = {
        str(review.get("action_name", review.get("actionName"))): review.get(
            "allowed_decisions", review.get("allowedDecisions")
        )
        for review in map(_members, cast("list[object]", listed) if isinstance(listed, list) else [])
    }
    return [
        _call(
            request["name"],
            request.get("args", request.get("arguments")),
            _listed(reviews.get(request["name"])) or _WITHOUT_REVIEW,
            tools,
            request.get("description"),
        )
        for request in wanted
    ]


def _members(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _listed(value: object) -> list[str]:
    return [str(one) for one in cast("list[object]", value)] if isinstance(value, list | tuple) else []


def _old_call(value: object, tools: Mapping[str, Tool]) -> Call | None:
    if not isinstance(value, Mapping):
        return None
    members = cast("Mapping[str, Any]", value)
    request, config = members.get("action_request"), members.get("config")
    if not isinstance(request, Mapping) or not isinstance(config, Mapping):
        return None
    wanted, allowed = cast("Mapping[str, Any]", request), cast("Mapping[str, Any]", config)
    decisions = [decision for key, decision in _OLD.items() if allowed.get(key)] or ["reject"]
    return _call(str(wanted.get("action")), wanted.get("args"), decisions, tools, members.get("description"))


def _call(name: str, args: object, allowed: Sequence[str], tools: Mapping[str, Tool], description: object) -> Call:
    decisions = tuple(one for one in CALL_DECISIONS if one in allowed)
    tool = tools.get(name)
    given = plain(args)
    return Call(
        tool=name[:_LONGEST_TOOL] or "unknown",
        args=given if isinstance(given, dict) else {"args": given} if given else {},
        decisions=decisions or _WITHOUT_REVIEW,
        args_schema=tool.args_schema if tool is not None else None,
        context=beside("description", description) if isinstance(description, str) and description.strip() else None,
        refusable=bool({"reject", "respond"} & set(decisions)),
    )


def _decisions_of(schema: object) -> list[str]:
    """Returns the types of decision that a schema names, wherever in it; all of them where it names none."""
    found = [text for text in _constants(schema) if text in CALL_DECISIONS]
    return found or list(CALL_DECISIONS)


def _constants(schema: object) -> Iterator[str]:
    if isinstance(schema, Mapping):
        members = cast("Mapping[str, object]", schema)
        kind = cast("Mapping[str, object]", members.get("properties") or {}).get("type")
        if isinstance(kind, Mapping):
            told = cast("Mapping[str, object]", kind)
            yield from map(str, [told.get("const"), *cast("list[object]", told.get("enum") or [])])
        for member in members.values():
            yield from _constants(member)
    elif isinstance(schema, list):
        for item in cast("list[object]", schema):
            yield from _constants(item)


def _decision(call: Call, outcome: Outcome) -> dict[str, Any]:
    """Returns what the middleware is told of one call."""
    decision = outcome.decision
    if outcome.status == "approved":
        if decision is None or decision.type != "edit" or decision.args_text is None:
            return {"type": "approve"}
        args = parse_object(decision.args_text)
        _check(call, args)
        return {"type": "edit", "edited_action": {"name": call.tool, "args": args}}
    if outcome.status == "responded" and decision is not None:
        return {"type": "respond", "message": decision.message or ""}
    said = (decision.message if decision else outcome.reason) or _NOBODY.get(outcome.status, _NOBODY["rejected"])
    if not call.refusable:
        raise MisfitError(said)
    return {"type": "reject" if "reject" in call.decisions else "respond", "message": said}


def _check(call: Call, args: Mapping[str, Any]) -> None:
    """Refuses edited arguments that the tool does not take: who decides past the gateway is checked nowhere before.

    Raises:
        MisfitError: They break its schema.
    """
    if call.args_schema is None:
        return
    problems = misfits(args, call.args_schema)
    if problems:
        raise MisfitError(problems[0])


def _old_answer(decision: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a decision in the words of `HumanResponse`."""
    if decision["type"] == "approve":
        return {"type": "accept", "args": None}
    if decision["type"] == "edit":
        edited = decision["edited_action"]
        return {"type": "edit", "args": {"action": edited["name"], "args": edited["args"]}}
    if decision["type"] == "respond":
        return {"type": "response", "args": decision["message"]}
    return {"type": "ignore", "args": None}
