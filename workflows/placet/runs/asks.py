"""What a run puts before people: a call that policy asks about, questions of the model, an uncertain call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from placet.contracts.approvals import ApprovalInput
from placet.contracts.calls import Terms
from placet.contracts.canonical import parse_object
from placet.contracts.questions import Option, Question, questions_of
from placet.contracts.runs import AskedAgain, Change

if TYPE_CHECKING:
    from placet.contracts.approvals import Outcome
    from placet.contracts.calls import Args, Verdict
    from placet.contracts.runs import ModelCall, RunStart

RAN: Final = "ran"
NOT_RUN: Final = "not_run"
STOP: Final = "stop"

_WHAT_HAPPENED: Final = "what_happened"
_SHOWN: Final = 16 * 1024
"""Characters of arguments that a question about them shows, at most."""
_LONGEST_TITLE: Final = 300
_OPTIONS: Final = (
    Option(id=RAN, label="It ran", description="The text is given to the model as its result."),
    Option(id=NOT_RUN, label="It did not run", description="Run it again."),
    Option(id=STOP, label="Stop", description="End the run."),
)


class Asks:
    """Writes the approvals of one turn."""

    def __init__(self, run: RunStart, turn: int, says: str | None) -> None:
        """Asks for a run.

        Args:
            run: Whose calls they are.
            turn: The turn, from 0.
            says: The id of the message in which the model asked for them; None where no model did.
        """
        self._run = run
        self._turn = turn
        self._says = says

    def call(self, call: ModelCall, verdict: Verdict, context: dict[str, Any] | None = None) -> ApprovalInput:
        """Returns the approval of a call.

        Args:
            call: The call as the model wants it.
            verdict: What policy says of it.
            context: What the person has to know besides: why a call is asked about again.
        """
        terms = verdict.terms or Terms()
        args = call.args
        return ApprovalInput.model_validate(
            {
                **self._shared(call, terms),
                "kind": "tool_call",
                "args_text": args.text if args else None,
                "args_ref": args.ref if args else None,
                "args_schema_ref": call.schema_ref,
                "digest": verdict.digest,
                "title": verdict.title or call.tool,
                "reason": verdict.reason,
                "rule": verdict.rule,
                "decisions": terms.decisions,
                "expires_after": terms.expires_after,
                "on_expiry": terms.on_expiry,
                "context": context,
            }
        )

    def questions(self, call: ModelCall, verdict: Verdict) -> ApprovalInput:
        """Returns the approval of a call of `ask_human`: its questions, for people to answer."""
        terms = verdict.terms or Terms()
        return ApprovalInput.model_validate(
            {
                **self._shared(call, terms),
                "kind": "question",
                "questions": questions_of(call.args.text or "{}") if call.args else (),
                "allow_skip": call.allow_skip,
                "context": call.context,
                "title": verdict.title or call.tool,
                "expires_after": terms.expires_after,
            }
        )

    def what_happened(self, call: ModelCall, verdict: Verdict, args: Args) -> ApprovalInput:
        """Returns the question that an uncertain call leaves; it never expires.

        Its text names the call by its digest, so that no answer is taken for that of another call.

        Args:
            call: The call as the model wants it.
            verdict: What policy said of it.
            args: What was to run.
        """
        title = verdict.title or call.tool
        question = Question(
            id=_WHAT_HAPPENED,
            question=(
                f"A crash left it open whether this call ran: {title} ({args.digest})."
                " Look at what it would have changed, then say what happened."
            ),
            options=_OPTIONS,
            allow_text=True,
        )
        shown = parse_object(args.text) if args.text is not None and len(args.text) <= _SHOWN else None
        return ApprovalInput.model_validate(
            {
                **self._shared(call, verdict.terms or Terms()),
                "kind": "question",
                "questions": (question,),
                "title": f"Did it run? {title}"[:_LONGEST_TITLE],
                "context": {"call": {"tool": call.tool, "args": shown, "digest": args.digest}},
                "expires_after": "never",
            }
        )

    def _shared(self, call: ModelCall, terms: Terms) -> dict[str, Any]:
        return {
            "tool": call.tool,
            "approvers": terms.approvers,
            "self_approval": terms.self_approval,
            "risk": terms.risk,
            "agent": self._run.agent,
            "call_id": call.call_id,
            "run_id": self._run.run_id,
            "thread_id": self._run.thread_id,
            "turn": self._turn,
            "index": call.index,
            "requester": self._run.requester,
            "says_ref": self._says,
        }


def asked_again(before: Verdict, after: Verdict, changes: tuple[Change, ...], cover: str | None) -> dict[str, Any]:
    """Returns what a person has to know of a call that is asked about at the tool's door.

    Args:
        before: What policy said of the call in its turn.
        after: What it says now.
        changes: How the tool differs from the one that was shown.
        cover: The approval that the call had, if it had one.
    """
    told = AskedAgain(previous_approval=cover, changes=(*_policy_changes(before, after), *changes))
    return {"asked_again": told.model_dump(mode="json")}


def _policy_changes(before: Verdict, after: Verdict) -> list[Change]:
    """Returns how two verdicts differ, in what matters to a person."""
    one, other = _told(before), _told(after)
    return [Change(what=what, before=one[what], after=other[what]) for what in one if one[what] != other[what]]


def _told(verdict: Verdict) -> dict[str, str | None]:
    terms = verdict.terms
    return {
        "policy": verdict.effect,
        "rule": verdict.rule,
        "reason": verdict.reason,
        "approvers": ", ".join(terms.approvers) if terms else None,
        "risk": terms.risk if terms else None,
    }


def what_happened(outcome: Outcome) -> str | None:
    """Returns what a person chose of an uncertain call, or None where nobody chose anything."""
    answers = outcome.decision.answers if outcome.decision else None
    answer = (answers or {}).get(_WHAT_HAPPENED)
    return answer.options[0] if answer and answer.options else None


def what_was_found(outcome: Outcome | None) -> str | None:
    """Returns what a person wrote of an uncertain call, or None where nobody wrote anything."""
    decision = outcome.decision if outcome else None
    answers = (decision.answers or {}) if decision else {}
    return next((answer.text for answer in answers.values() if answer.text), None)


def who_decided(outcome: Outcome) -> str | None:
    """Returns who decided; whose name nobody has verified is an operator."""
    by = outcome.decision.by if outcome.decision else None
    return by and ("operator" if by.via == "temporal" else by.id)
