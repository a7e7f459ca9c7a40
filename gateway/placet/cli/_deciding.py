"""Deciding: `approve`, `reject`, `respond`, `edit`, `answer`, `skip`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from placet.cards import words
from placet.cards.digest import digest_of_card
from placet.cards.view import AS_ASKED, view
from placet.cli import _editing
from placet.cli._asking import DecidedElsewhereError, ask_answers, asking, decided_elsewhere
from placet.cli._exits import ExitCode
from placet.cli._ids import find_approval
from placet.cli._screen import edit_lines, what_is_decided
from placet.cli._session import InputError, UsageError
from placet.client import Recorded
from placet.client.errors import (
    AlreadyDecidedError,
    ApprovalCancelledError,
    ApprovalExpiredError,
    ApprovalSupersededError,
    EndedError,
    Problem,
    StaleDigestError,
)
from placet.contracts.canonical import MalformedJsonError, parse_object
from placet.contracts.decisions import DecisionBody
from placet.contracts.errors import CODES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydantic import JsonValue

    from placet.cli._session import Session
    from placet.contracts.approvals import Approval
    from placet.contracts.decisions import AnswerBody
    from placet.contracts.errors import Code


@dataclass(frozen=True)
class Target:
    """What is decided on: the id as typed, the digest that was seen elsewhere, the key to repeat with."""

    typed: str
    digest: str | None = None
    key: str | None = None


def approve(session: Session, target: Target) -> ExitCode:
    """Approves: the tool runs with exactly the arguments shown."""
    approval = find_approval(session.client, target.typed)

    def body() -> DecisionBody | None:
        session.out.say_all(what_is_decided(session.out, approval))
        digest = _digest(approval, target)
        seen = digest_of_card(approval)
        body = DecisionBody(type="approve", digest=digest, card_digest=seen)
        return body if _confirmed(session, approval, target) else None

    return _decide(session, approval, target, body)


def reject(session: Session, target: Target, reason: str | None) -> ExitCode:
    """Rejects: the tool does not run and the agent reads why."""
    text = _flag(session, "--reason", reason)
    return _say_no(session, target, "reject", text, "Tell the agent why > ")


def respond(session: Session, target: Target, text: str | None) -> ExitCode:
    """Responds: the tool does not run, the text is its result."""
    given = _flag(session, "--text", text)
    return _say_no(session, target, "respond", given, "The tool will not run; the agent reads as its result > ")


def skip(session: Session, target: Target) -> ExitCode:
    """Skips a question: the agent is told so."""
    approval = find_approval(session.client, target.typed)
    return _decide(session, approval, target, lambda: DecisionBody(type="skip", digest=_digest(approval, target)))


def edit(session: Session, target: Target, settings: Sequence[str], args_file: Path | None) -> ExitCode:
    """Approves with other arguments, given by path, by file, or in an editor."""
    if settings and args_file is not None:
        message = "Give --set or --args-file, not both."
        raise UsageError(message)
    if not settings and args_file is None:
        session.require_person("edit needs --set PATH=VALUE or --args-file FILE.")
    approval = find_approval(session.client, target.typed)

    def body() -> DecisionBody | None:
        args = _edited(session, approval, settings, args_file)
        if args is None:
            session.out.warn("Nothing has changed. Nothing was sent; `placet approve` approves it as it is.")
            return None
        session.out.say_all(what_is_decided(session.out, approval, AS_ASKED))
        session.out.say("Your edit, with which it will run:")
        session.out.say_all(list(edit_lines(session.out, approval.args, args, approval.args_schema)))
        digest = _digest(approval, target)
        in_editor = not settings and args_file is None
        agreed = _confirmed(session, approval, target, always=in_editor)
        seen = digest_of_card(approval, args)
        return DecisionBody(type="edit", digest=digest, args=args, card_digest=seen) if agreed else None

    return _decide(session, approval, target, body)


def answer(session: Session, target: Target, choose: Sequence[str], text: Sequence[str]) -> ExitCode:
    """Answers a question with options, text, or both."""
    if not choose and not text:
        session.require_person("answer needs --choose QUESTION=OPTION or --text QUESTION=TEXT.")
    approval = find_approval(session.client, target.typed)

    def body() -> DecisionBody | None:
        answers: dict[str, AnswerBody] | None
        seen: str | None = None
        if choose or text:
            answers = _editing.answers(view(approval).questions, choose, text)
        else:
            with asking(session, approval) as person:
                answers = ask_answers(session, person, approval)
            seen = digest_of_card(approval)
        if answers is None:
            return None
        return DecisionBody(type="answer", digest=_digest(approval, target), answers=answers, card_digest=seen)

    return _decide(session, approval, target, body)


def send(session: Session, approval: Approval, body: DecisionBody, key: str | None = None) -> ExitCode:
    """Sends a decision and says what became of it.

    Raises:
        PlacetError: It was refused, or nobody answered.
    """
    answered = session.client.decide(approval.id, body, idempotency_key=key)
    if isinstance(answered, Recorded):
        session.out.document({"status": "recorded", "decision_id": answered.decision_id, "approval_id": approval.id})
        session.out.say(
            "Recorded: no worker answered in time. It counts unless another decision was recorded before it; "
            f"`placet show {approval.id}` tells."
        )
        return ExitCode.PENDING
    session.out.document(answered.model_dump(mode="json"))
    session.out.say(words.outcome(answered, session.out.zone))
    return ExitCode.DONE


def _decide(session: Session, approval: Approval, target: Target, body: Callable[[], DecisionBody | None]) -> ExitCode:
    """Sends what `body` makes; where the approval has ended nobody is asked and the winner is named.

    A repeat by key is sent all the same: the gateway tells whether it was the winner.
    """
    if approval.status != "pending" and target.key is None:
        raise ended_error(approval)
    try:
        decision = body()
    except DecidedElsewhereError as error:
        return decided_elsewhere(session, error.approval)
    if decision is None:
        session.out.warn("Nothing was sent.")
        return ExitCode.USAGE
    return send(session, approval, decision, target.key)


def ended_error(approval: Approval) -> EndedError:
    """Returns the error that the gateway answers with to a decision on an approval that has ended."""
    kinds: dict[str, tuple[Code, type[EndedError]]] = {
        "expired": ("expired", ApprovalExpiredError),
        "cancelled": ("cancelled", ApprovalCancelledError),
        "superseded": ("superseded", ApprovalSupersededError),
    }
    code, kind = kinds.get(approval.status, ("already_decided", AlreadyDecidedError))
    meaning = CODES[code]
    named = {"approval": approval.model_dump(mode="json")}
    return kind(
        Problem.model_validate(
            {"title": meaning.title, "status": meaning.status, "code": code, "detail": words.outcome(approval), **named}
        )
    )


def bound_digest(approval: Approval) -> str:
    """Returns the digest of what was shown, computed here.

    Raises:
        StaleDigestError: The gateway names another one: what is shown is not what would run.
    """
    seen = view(approval)
    if seen.intact:
        return seen.digest
    detail = f"What is shown has the digest {seen.digest}, and the gateway names {approval.digest}."
    meaning = CODES["stale_digest"]
    raise StaleDigestError(Problem(title=meaning.title, status=meaning.status, code="stale_digest", detail=detail))


def _say_no(session: Session, target: Target, decision: str, text: str | None, prompt: str) -> ExitCode:
    approval = find_approval(session.client, target.typed)

    def body() -> DecisionBody | None:
        message, seen = text, None
        if message is None:
            seen = digest_of_card(approval)
            session.out.say_all(what_is_decided(session.out, approval))
            with asking(session, approval) as person:
                message = person.text(prompt)
        if message is None:
            return None
        return DecisionBody(type=decision, digest=_digest(approval, target), message=message, card_digest=seen)

    return _decide(session, approval, target, body)


def _flag(session: Session, name: str, given: str | None) -> str | None:
    """Returns the flag's text, None where the person is to be asked."""
    if given is None:
        session.require_person(f"{name} is missing.")
    return given


def _digest(approval: Approval, target: Target) -> str:
    if target.digest is None:
        return bound_digest(approval)
    return target.digest if target.digest.startswith("sha256:") else f"sha256:{target.digest}"


def _confirmed(session: Session, approval: Approval, target: Target, *, always: bool = False) -> bool:
    """Whether the tool may run: a grave risk takes a digest in a script, and a typed word in a terminal.

    In a terminal a digest does not stand for the word: a command line that somebody was sent, and pastes, holds one.
    """
    seen = view(approval)
    if target.digest is not None and not (session.interactive and seen.grave):
        return True
    if not seen.grave and not always:
        return True
    session.require_person(f"The risk is {seen.risk}: give --digest, as `placet show {seen.id} --json` prints it.")
    with asking(session, approval) as person:
        return person.confirms(seen) if seen.grave else person.agrees("Run it with your arguments?")


def _edited(
    session: Session, approval: Approval, settings: Sequence[str], args_file: Path | None
) -> dict[str, JsonValue] | None:
    """Returns the whole new arguments, None where an editor has changed nothing."""
    if args_file is not None:
        return _read(args_file)
    if settings:
        return _editing.with_settings(approval.args, settings)
    with asking(session, approval) as person:
        return _editing.in_editor(person, approval)


def _read(args_file: Path) -> dict[str, JsonValue]:
    try:
        return parse_object(args_file.read_bytes())
    except OSError as error:
        message = f"--args-file {args_file}: {error.strerror}."
        raise UsageError(message) from error
    except MalformedJsonError as error:
        message = f"--args-file {args_file}: {error}."
        raise InputError(message) from error
