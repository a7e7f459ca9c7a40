"""The commands of the second protocol: a run is started, or what waits is answered by its id.

Everything a command does is done as `/threads/{thread_id}/runs` does it. A refusal is an answer of the protocol, with
our code beside the protocol's; only what is no matter of the command is an HTTP error: who calls, a thread that is not
there, and what may be sent again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from placet.api.bodies import shaped
from placet.api.errors import ProblemError
from placet.api.problems import problem_body, problem_of
from placet.contracts.errors import RefusedError
from placet.langgraph_api.bodies import RunBody, refused_body
from placet.langgraph_api.errors import SurfaceError
from placet.langgraph_api.protocol.bodies import InputRespond, RunStart
from placet.langgraph_api.protocol.events import behind
from placet.langgraph_api.runs.answering import answer_by_id
from placet.langgraph_api.runs.segments import begun
from placet.langgraph_api.runs.starting import start
from placet.langgraph_api.threads.endpoints import there_or_made
from placet.langgraph_api.threads.snapshot import snapshot_of, visible_thread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from placet.api.identity import Caller
    from placet.api.services import Services
    from placet.langgraph_api.protocol.bodies import Command
    from placet.ledger import ThreadRow

_AGAIN: Final = frozenset({"slow_down", "unavailable"})
"""What is refused now and may be taken later: an HTTP error, which clients send again."""
_ERRORS: Final = {
    "already_decided": "no_such_interrupt",
    "cancelled": "no_such_interrupt",
    "decision_not_allowed": "permission_denied",
    "expired": "no_such_interrupt",
    "interrupt_changed": "no_such_interrupt",
    "no_such_interrupt": "no_such_interrupt",
    "not_allowed": "permission_denied",
    "not_an_approver": "permission_denied",
    "self_approval": "permission_denied",
    "superseded": "no_such_interrupt",
}
"""Our codes in the words of the protocol; every other is an invalid argument."""


async def carry_out(services: Services, caller: Caller, thread_id: str, command: Command) -> dict[str, Any]:
    """Does what a command says, and returns its answer.

    Raises:
        ProblemError: `not_found`: there is no such thread; `not_allowed`; `slow_down`, `unavailable`.
    """
    known = _METHODS.get(command.method)
    if known is None:
        thread = await visible_thread(services, caller, thread_id)
        method, said = command.method, f"Placet takes {' and '.join(_METHODS)} on {thread.id}"
        error = "not_supported" if method.partition(".")[0] in _MODULES else "unknown_command"
        return _refused(command, error, f"{said}, not {method[:100]!r}.", {"code": "not_offered"})
    thread = await _thread(services, caller, thread_id, command)
    try:
        run_id, through = await known(services, caller, thread, command)
    except RefusedError as error:
        return _problem(command, problem_of(error.refusal))
    except SurfaceError as error:
        return _problem(command, {**error.named, "code": error.code, "detail": error.detail})
    except ProblemError as error:
        if error.code in _AGAIN:
            raise
        return _problem(command, problem_body(error.code, error.detail, error.named))
    meta = {"thread_id": thread.id, "applied_through_seq": through}
    return {"type": "success", "id": command.id, "result": {"run_id": run_id}, "meta": meta}


async def _thread(services: Services, caller: Caller, thread_id: str, command: Command) -> ThreadRow:
    """Returns the thread of a command; the first `run.start` makes it."""
    if command.method == "run.start" and caller.has("requester"):
        return await there_or_made(services, caller, thread_id)
    return await visible_thread(services, caller, thread_id)


async def _start(services: Services, caller: Caller, thread: ThreadRow, command: Command) -> tuple[str, int]:
    """Starts a run, and returns its id with the number of the last event before it."""
    params = shaped(RunStart, command.params)
    snapshot = await snapshot_of(services, caller, thread, noted=False)
    if params.input in (None, {}):
        raise refused_body(at="/params/input", message="there is nothing to do: send messages, or answer what waits")
    body = RunBody(
        assistant_id=params.assistant_id,
        input=params.input,
        metadata=params.metadata,
        multitask_strategy=params.strategy,
        checkpoint_id=params.checkpoint_id,
    )
    segment = await start(services, caller, body, snapshot)
    began = await services.ledger.threads.progress(segment.run.id)
    # Before the run itself, and not this moment: a command that is sent again hides nothing that came of the first.
    return segment.id, behind(began.first - 1) if began.first else behind(snapshot.progress.last)


async def _respond(services: Services, caller: Caller, thread: ThreadRow, command: Command) -> tuple[str, int]:
    """Answers what waits, and returns the id of what follows with the number of the last event before it."""
    params = shaped(InputRespond, command.params)
    if params.update is not None or params.goto is not None:
        message = "the state comes from what was said and done; it is not written, and no node is jumped to"
        raise refused_body(at="/params/update" if params.update is not None else "/params/goto", message=message)
    if params.responses is not None:
        answers = {one.interrupt_id: one.response for one in params.responses}
        if len(answers) != len(params.responses):
            raise refused_body(at="/params/responses", message="answers an interrupt twice")
    else:
        answers = {params.interrupt_id: params.response} if params.interrupt_id else {}
    if not answers:
        raise refused_body(at="/params/interrupt_id", message="names the interrupt that is answered")
    before = await snapshot_of(services, caller, thread, noted=False)
    answered = await answer_by_id(services, caller, before, answers, params.metadata)
    ended = await services.ledger.threads.first_end(answered.segment.run_id, answered.approvals)
    through = behind(ended - 1) if ended else behind(before.progress.last)
    return (await begun(services, answered.segment)).id, min(through, behind(before.progress.last))


_METHODS: Final[dict[str, Callable[[Services, Caller, ThreadRow, Command], Awaitable[tuple[str, int]]]]] = {
    "run.start": _start,
    "input.respond": _respond,
}
_MODULES: Final = frozenset({"agent", "input", "run", "state", "subscription"})
"""What the protocol has commands of."""


def _problem(command: Command, document: dict[str, Any]) -> dict[str, Any]:
    error = _ERRORS.get(document["code"], "invalid_argument")
    return _refused(command, error, document["detail"], document)


def _refused(command: Command, error: str, message: str, named: dict[str, Any]) -> dict[str, Any]:
    return {"problem": named, "type": "error", "id": command.id, "error": error, "message": message}
