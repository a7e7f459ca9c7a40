"""`review`: step through what is pending with a numbered menu; nothing decides by accident."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from placet.cards.digest import digest_of_card
from placet.cards.view import view
from placet.cli import _editing
from placet.cli._asking import DecidedElsewhereError, ask_answers, asking, decided_elsewhere
from placet.cli._deciding import bound_digest, ended_error, send
from placet.cli._exits import DECIDED_ELSEWHERE, ExitCode
from placet.cli._ids import find_approval
from placet.cli._menu import HELP, QUIT, READ, Item, choose
from placet.cli._screen import edit_lines, paper
from placet.cli._session import explain
from placet.client.errors import AccessError, EditDeniedError, EndedError, InvalidError
from placet.contracts.decisions import DecisionBody

if TYPE_CHECKING:
    from collections.abc import Iterator

    from placet.cards.view import ApprovalView
    from placet.cli._asking import Person
    from placet.cli._session import Session
    from placet.contracts.approvals import Approval

LATER: Final = "later"
_MOST: Final = 200
_ITEMS: Final = {
    "approve": Item("approve", "a", "Approve once"),
    "edit": Item("edit", "e", "Edit, then approve"),
    "reject": Item("reject", "r", "Reject with reason"),
    "respond": Item("respond", "m", "Respond instead"),
    "answer": Item("answer", "a", "Answer"),
    "skip": Item("skip", "n", "Leave unanswered: the agent is told that you skipped it"),
}
_LATER: Final = Item(LATER, "s", "Skip for now")
_HELP: Final = (
    "1-9 or the letter in brackets chooses. Up and down move, Enter takes the marked line, which is at first the one",
    "that decides nothing. b shows everything in full, Esc and Ctrl-D skip for now, q ends, Ctrl-C leaves at once.",
)


def review(session: Session, typed: str | None) -> ExitCode:
    """Steps through one approval or all that are pending, the most urgent first.

    Returns:
        What the last decision that did not go through gives, else done.
    """
    session.require_person("review needs a terminal; in a script use inbox, show and approve.")
    if typed is not None:
        only = find_approval(session.client, typed)
        if only.status != "pending":
            raise ended_error(only)
        queue = (only,)
    else:
        queue = session.client.approvals(status="pending", limit=_MOST).items
    if not queue:
        session.out.say("Nothing needs you.")
    code = ExitCode.DONE
    for place, listed in enumerate(queue, 1):
        # The list may be minutes old by now.
        approval = session.client.approval(listed.id)
        if approval.status != "pending":
            continue
        step = _Step(session, approval, f"{place} of {len(queue)}").take()
        if step is None:
            break
        code = step or code
    return code


class _Step:
    """One approval under review."""

    def __init__(self, session: Session, approval: Approval, place: str) -> None:
        self._session = session
        self._approval = approval
        self._place = place
        self._read_whole = False
        self._sending = False
        self._items = [*_items(approval), _LATER]

    def take(self) -> ExitCode | None:
        """Asks until it is decided or left; None ends the review."""
        self._show()
        try:
            with asking(self._session, self._approval) as person:
                while True:
                    out = self._session.out
                    action = choose(person.terminal, self._items, person.bell, out.width)
                    if action == QUIT:
                        return None
                    if action == LATER:
                        out.say("Left as it is.")
                        return ExitCode.DONE
                    code = self._act(person, action)
                    if code is not None:
                        return code
        except DecidedElsewhereError as error:
            return decided_elsewhere(self._session, error.approval)
        except KeyboardInterrupt:
            sent = f"It was being sent: `placet show {self._approval.id}` tells what became of it."
            self._session.out.say("\n" + (sent if self._sending else "Left: nothing of this was sent."))
            raise

    def _act(self, person: Person, action: str) -> ExitCode | None:
        """Does what was chosen; None goes back to the menu."""
        out = self._session.out
        if action in {HELP, READ}:
            if action == READ:
                self._read_whole = True
                self._show()
            else:
                out.say_all(_HELP)
            return None
        decision = self._decision(person, action)
        return None if decision is None else self._send(decision)

    def _send(self, decision: DecisionBody) -> ExitCode | None:
        out = self._session.out
        self._sending = True
        seen = digest_of_card(self._approval, decision.args)
        try:
            return send(self._session, self._approval, decision.model_copy(update={"card_digest": seen}))
        except EndedError as error:
            out.say_all(list(explain(out, error)))
            status = error.approval.status if error.approval else ""
            return DECIDED_ELSEWHERE.get(status, ExitCode.CONFLICT)
        except (InvalidError, EditDeniedError, AccessError) as error:
            out.say_all(list(explain(out, error)))
            out.say("Nothing has changed; it can still be decided.")
            self._sending = False
            return None

    def _decision(self, person: Person, action: str) -> DecisionBody | None:
        """Returns the decision, once whatever it needs has been typed."""
        seen = view(self._approval, limit=None if self._read_whole else 2_000)
        digest = bound_digest(self._approval)
        if action in {"approve", "edit"} and not self._may_run(seen):
            return None
        if action == "approve":
            return DecisionBody(type=action, digest=digest) if person.confirms(seen) else None
        if action == "edit":
            return self._edit(person, seen, digest)
        if action == "answer":
            answers = ask_answers(self._session, person, self._approval)
            return None if answers is None else DecisionBody(type=action, digest=digest, answers=answers)
        if action == "skip":
            return DecisionBody(type=action, digest=digest)
        prompt = "Tell the agent why > " if action == "reject" else "The agent will read as the tool's result > "
        message = person.text(prompt)
        return None if message is None else DecisionBody(type=action, digest=digest, message=message)

    def _edit(self, person: Person, seen: ApprovalView, digest: str) -> DecisionBody | None:
        out = self._session.out
        args = _editing.in_editor(person, self._approval)
        if args is None:
            out.say("Nothing has changed. Nothing was sent.")
            return None
        out.say("Your edit, with which it will run:")
        out.say_all(list(edit_lines(out, self._approval.args, args, self._approval.args_schema)))
        agreed = person.confirms(seen) if seen.grave else person.agrees("Run it with your arguments?")
        return DecisionBody(type="edit", digest=digest, args=args) if agreed else None

    def _may_run(self, seen: ApprovalView) -> bool:
        """Whether everything that a grave risk hides has been read."""
        if not seen.grave or not seen.collapsed:
            return True
        self._session.out.say(f"Read {', '.join(seen.collapsed)} first: press b.")
        return False

    def _show(self) -> None:
        out = self._session.out
        out.say()
        out.say(f"[{self._place}]")
        out.say_all(paper(out, self._approval, limit=None if self._read_whole else 2_000))
        out.say()


def _items(approval: Approval) -> Iterator[Item]:
    """Yields what may be decided here, in the order of the menu."""
    for name, item in _ITEMS.items():
        if name in approval.allowed_decisions:
            yield item
