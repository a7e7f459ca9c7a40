"""What waits for a person, as an interrupt of LangGraph's: all pending calls of a turn in one request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from placet.langgraph_api.ids import interrupt_id_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placet.contracts.approvals import Approval

_MARKS: Final = re.compile(r"([\\`*{}\[\]()<>#+!|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
"""What a reader of Markdown may take for more than text: both inboxes show descriptions so.

An underscore inside a word is none of it, and would show in lists, which show the text itself.
"""
_LONGEST: Final = 2_000
_OF_QUESTIONS: Final = {"answer": "respond", "skip": "reject"}


@dataclass(frozen=True)
class Interrupt:
    """What waits on a thread, for one reader."""

    approvals: tuple[Approval, ...]

    @property
    def id(self) -> str:
        """Its id: 32 hexadecimal digits, another one as soon as something else waits."""
        return interrupt_id_of(self.approvals)

    def document(self) -> dict[str, Any]:
        """Returns the interrupt as clients read it."""
        namespace = _text_of(self.approvals[0], "namespace")
        return {
            "id": self.id,
            "value": self.value,
            "when": "during",
            "resumable": True,
            "ns": [namespace] if namespace else [],
        }

    @property
    def value(self) -> Any:  # noqa: ANN401 - JSON
        """The request that the interrupt makes."""
        return request_of(self.approvals)

    @property
    def node(self) -> str:
        """The node that waits; an agent without a graph has one."""
        return _text_of(self.approvals[0], "node") or "tools"


def request_of(approvals: Sequence[Approval]) -> dict[str, Any]:
    """Returns the request that shows approvals: LangChain's own, with what a person wants to know besides."""
    deadlines = [approval.expires_at for approval in approvals if approval.expires_at is not None]
    return {
        "action_requests": [_action(approval) for approval in approvals],
        "review_configs": [_review(approval) for approval in approvals],
        "expires_at": min(deadlines) if deadlines else None,
    }


def offered(approval: Approval) -> list[str]:
    """Returns the decisions on an approval in LangChain's words: a question is responded to."""
    return [_OF_QUESTIONS.get(decision, decision) for decision in approval.allowed_decisions]


def description_of(approval: Approval) -> str:
    """Returns a text about an approval that shows as it is, whatever Markdown a model has put into it."""
    lines = [approval.title, approval.reason or ""]
    lines += [question.question for question in approval.questions if question.question != approval.title]
    return as_text("\n\n".join(line for line in lines if line)[:_LONGEST])


def as_text(given: str) -> str:
    """Returns Markdown that shows a text as it is."""
    return _MARKS.sub(r"\\\1", given)


def _action(approval: Approval) -> dict[str, Any]:
    return {
        "name": approval.tool,
        "args": approval.args,
        # The name before LangChain 1.0, which Agent Inbox still reads.
        "arguments": approval.args,
        "description": description_of(approval),
        "approval_id": approval.id,
        "call_id": approval.call_id,
        "digest": approval.digest,
        "risk": approval.risk,
        "requester": approval.requester,
        "approvers": approval.approvers,
        "requested_at": approval.requested_at,
        "expires_at": approval.expires_at,
        "questions": approval.questions,
    }


def _review(approval: Approval) -> dict[str, Any]:
    config: dict[str, Any] = {"action_name": approval.tool, "allowed_decisions": offered(approval)}
    if approval.args_schema is not None:
        config["args_schema"] = approval.args_schema
    return config


def _text_of(approval: Approval, name: str) -> str:
    """Returns what a graph says of the place at which it asks."""
    graph = approval.metadata.get("graph")
    value = graph.get(name) if isinstance(graph, dict) else None
    return value if isinstance(value, str) else ""
