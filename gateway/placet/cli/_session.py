"""One command from start to exit code: its connection, its output, whom it may ask, how it says what went wrong."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from placet.cli._exits import ExitCode, exit_of_error
from placet.cli._output import Output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from placet.client import Client
    from placet.client.errors import PlacetError


class UsageError(Exception):
    """The command line lacks something or says something that makes no sense; names the flag."""


class InputError(Exception):
    """A value that was given cannot be: a file that is not JSON, a path that is not in the arguments."""


@dataclass(frozen=True)
class Session:
    """What a command works with.

    Attributes:
        interactive: A person can be asked: both ends are a terminal and nothing says not to.
    """

    client: Client
    out: Output
    interactive: bool

    def require_person(self, otherwise: str) -> None:
        """Checks that a person can be asked.

        Args:
            otherwise: What is missing where nobody can.

        Raises:
            UsageError: Nobody can.
        """
        if not self.interactive:
            message = f"{otherwise} Nothing was sent."
            raise UsageError(message)


def may_ask(*, as_json: bool, no_input: bool) -> bool:
    """Whether a person can be asked."""
    if as_json or no_input or os.environ.get("CI") or os.environ.get("PLACET_NO_INPUT"):
        return False
    return sys.stdin.isatty() and sys.stdout.isatty()


def perform(act: Callable[[Session], ExitCode], *, as_json: bool, no_input: bool = False) -> None:
    """Does the command and ends with its exit code; an error becomes a sentence, and a document with `--json`.

    Raises:
        typer.Exit: Always.
    """
    # Loading the client takes longer than `placet --help` may.
    from placet.client.errors import PlacetError  # noqa: PLC0415

    out = Output(as_json=as_json)
    try:
        with _connected() as client:
            code = act(Session(client, out, may_ask(as_json=as_json, no_input=no_input)))
    except PlacetError as error:
        code = exit_of_error(error)
        report(out, error)
    except UsageError as error:
        code = _complain(out, ExitCode.USAGE, "usage", str(error))
    except InputError as error:
        code = _complain(out, ExitCode.INVALID, "invalid_input", str(error))
    except UnicodeEncodeError:
        code = _complain(out, ExitCode.USAGE, "usage", "A text on the command line is not valid UTF-8.")
    raise typer.Exit(code)


def _connected() -> Client:
    """Returns a client of the gateway that the environment names.

    Raises:
        UsageError: `PLACET_URL` is no address, or `PLACET_API_KEY` no key.
    """
    from placet.cli._credentials import kept  # noqa: PLC0415
    from placet.client import LOCAL_URL, Client  # noqa: PLC0415

    try:
        url = os.environ.get("PLACET_URL") or LOCAL_URL
        return Client(url, os.environ.get("PLACET_API_KEY") or kept(url), via="cli")
    except ValueError as error:
        message = f"PLACET_URL, PLACET_API_KEY: {error}"
        raise UsageError(message) from error


def report(out: Output, error: PlacetError) -> None:
    """Says what went wrong and what to do; with `--json` the refusal is the document."""
    from placet.client.errors import ProblemError  # noqa: PLC0415

    if isinstance(error, ProblemError):
        out.document(error.problem.model_dump(mode="json"))
    else:
        out.document({"title": "No answer", "detail": str(error), **_unanswered(error)})
    for sentence in explain(out, error):
        out.warn(sentence)


def explain(out: Output, error: PlacetError) -> Iterator[str]:
    """Yields the sentences for a person: what, why, what to do; all safe to print."""
    from placet.cards import words  # noqa: PLC0415
    from placet.cards.visible import one_line  # noqa: PLC0415
    from placet.client import errors  # noqa: PLC0415

    if isinstance(error, errors.EndedError) and error.approval is not None:
        yield words.lost(error.approval, out.zone)
    else:
        yield one_line(str(error))
    if isinstance(error, errors.ProblemError):
        yield from (f"  {one_line(pointer or '/')}: {one_line(message)}" for pointer, message in error.errors)
    if isinstance(error, errors.UnauthenticatedError):
        yield "Sign in with `placet login`, or set PLACET_API_KEY to your key; `placet key create USER` makes one."
    if isinstance(error, errors.UnreachableError):
        yield "Is it running? `placet up` starts it here; PLACET_URL says where else it is."
    key = getattr(error, "idempotency_key", None)
    if key and _maybe_recorded(error):
        yield f"It may have been recorded all the same: repeat with --idempotency-key {one_line(key)}, it counts once."
    request_id = getattr(error, "request_id", None)
    if request_id:
        yield f"(request {one_line(request_id)})"


def _maybe_recorded(error: PlacetError) -> bool:
    return bool(getattr(error, "maybe_sent", False) or getattr(error, "maybe_recorded", False))


def _unanswered(error: PlacetError) -> dict[str, object]:
    from placet.client.errors import UnreachableError  # noqa: PLC0415

    if isinstance(error, UnreachableError):
        return {
            "code": "unreachable",
            "maybe_recorded": error.maybe_sent,
            "idempotency_key": error.idempotency_key,
        }
    return {"code": "unexpected_answer"}


def _complain(out: Output, code: ExitCode, name: str, sentence: str) -> ExitCode:
    from placet.cards.visible import one_line  # noqa: PLC0415

    out.document({"title": "Not done", "code": name, "detail": sentence})
    out.warn(one_line(sentence))
    return code
