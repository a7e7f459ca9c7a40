"""What Temporal's UI tells an operator: no arguments, no text of people or models, absolute times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from placet.runs.effects import short

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from temporalio.common import SearchAttributeUpdate

    from placet.contracts.approvals import ApprovalBody, Asked
    from placet.contracts.runs import RunStart
    from placet.runs.gate import Ended
    from placet.runs.stopping import Waiting

STATUS = SearchAttributeKey.for_keyword("PlacetStatus")
AGENT = SearchAttributeKey.for_keyword("PlacetAgent")
TOOL = SearchAttributeKey.for_keyword("PlacetTool")
THREAD = SearchAttributeKey.for_keyword("PlacetThread")
RISK = SearchAttributeKey.for_keyword("PlacetRisk")
REQUESTER = SearchAttributeKey.for_keyword("PlacetRequester")
EXPIRES_AT = SearchAttributeKey.for_datetime("PlacetExpiresAt")


def utc(moment: datetime | None) -> str:
    """Returns an absolute time for people, or `never`."""
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC") if moment else "never"


def show_status(status: str) -> None:
    """Sets the search attribute by which operators filter workflows."""
    _upsert([STATUS.value_set(status)])


def show_approval(asked: Asked) -> None:
    """Sets the search attributes of an approval that waits."""
    updates: list[SearchAttributeUpdate[Any]] = [
        STATUS.value_set("pending"),
        TOOL.value_set(short(asked.tool)),
        RISK.value_set(asked.risk),
    ]
    optional = ((AGENT, asked.agent), (THREAD, asked.thread_id), (REQUESTER, asked.requester))
    updates.extend(key.value_set(short(value)) for key, value in optional if value)
    if asked.expires_at:
        updates.append(EXPIRES_AT.value_set(asked.expires_at))
    _upsert(updates)


def run_attributes(agent: str, thread_id: str, requester: str | None) -> TypedSearchAttributes:
    """Returns the search attributes with which a run starts."""
    pairs = [
        SearchAttributePair(STATUS, "running"),
        SearchAttributePair(AGENT, short(agent)),
        SearchAttributePair(THREAD, short(thread_id)),
    ]
    if requester:
        pairs.append(SearchAttributePair(REQUESTER, short(requester)))
    return TypedSearchAttributes(pairs)


def approval_details(asked: Asked) -> str:
    """Returns the Markdown table of what an approval waits for."""
    rows = [
        ("waits for", ", ".join(asked.approvers)),
        ("decisions", ", ".join(asked.allowed_decisions)),
        ("until", utc(asked.expires_at)),
        ("then", "nothing: it never expires" if asked.expires_at is None else f"expired ({asked.on_expiry})"),
        ("kind", asked.kind),
        ("tool", f"`{asked.tool}`"),
        ("risk", asked.risk),
        ("digest", f"`{asked.args.digest}`"),
        ("run", f"`{asked.run_id}`" if asked.run_id else "from outside any run"),
        ("rule", asked.rule or "none"),
    ]
    if asked.run_id and "asked_again" in (asked.context or {}):
        rows.append(("asked again", "something changed since it was approved; the approval shows what"))
    return _table("Waits for a person", rows)


def ended_details(asked: Asked, ended: Ended) -> str:
    """Returns the Markdown table of how an approval ended."""
    rows = [("outcome", ended.status), ("at", utc(ended.at)), ("tool", f"`{asked.tool}`")]
    if ended.decision:
        person = ended.decision.by
        rows += [
            ("decision", ended.decision.type),
            ("by", f"{person.id} (via {person.via})"),
            ("runs", f"`{ended.decision.digest}`"),
        ]
    elif ended.status == "expired":
        rows.append(("by", "the clock; nobody decided in time"))
    elif ended.by:
        rows.append(("by", ended.by.id))
    return _table("Ended", rows)


def approval_summary(given: ApprovalBody) -> str:
    """Returns what an approval is about, in the line under its workflow's name."""
    what = given.tool if given.kind == "tool_call" else f"questions · {given.tool or 'ask_human'}"
    return short(f"asks: {what} · {given.risk or 'medium'} risk")


def run_details(given: RunStart, status: str, turn: int, waiting: Mapping[str, Waiting]) -> str:
    """Returns the Markdown table of how a run stands and what it waits for."""
    rows = [
        ("agent", given.agent),
        ("thread", f"`{given.thread_id}`"),
        ("requester", given.requester or "unknown"),
        ("turn", str(turn + 1)),
    ]
    rows += [("waits for", _waits_for(approval_id, one)) for approval_id, one in waiting.items()]
    return _table(status.capitalize(), rows)


def _waits_for(approval_id: str, one: Waiting) -> str:
    namespace = workflow.info().namespace
    link = f"[approval](/namespaces/{namespace}/workflows/approval-{approval_id})"
    return f"`{one.tool}` · {', '.join(one.approvers)} · until {utc(one.until)} · {link}"


def timer_summary(asked: Asked) -> str:
    """Returns what happens when an approval's timer fires."""
    return short(f"expires: {asked.tool} → {asked.on_expiry}")


def _upsert(updates: list[SearchAttributeUpdate[Any]]) -> None:
    workflow.upsert_search_attributes(updates)  # pyright: ignore[reportUnknownMemberType]


def _table(title: str, rows: list[tuple[str, str]]) -> str:
    lines = [f"**{title}**", "", "| | |", "| --- | --- |"]
    lines += [f"| {name} | {value.replace('|', '/')} |" for name, value in rows]
    return "\n".join(lines)
