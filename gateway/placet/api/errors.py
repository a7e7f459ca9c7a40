"""What can go wrong in the gateway.

GatewayError
├── ProblemError            an answer that is a "no": the code, and what it names
├── AccountFileError        the account file cannot be read, or is wrong
├── LoopbackError           nobody signs in and the address to listen on is not this machine's own
├── ListeningError          nobody can listen at the address: it is taken, or not this machine's
└── TemporalError           what Temporal said, or did not say
    ├── ClosedError         the workflow has ended, or there is none
    ├── NoAnswerError       Temporal is there; no worker answered in time
    └── UnreachableError    Temporal itself cannot be reached, or gave no answer

A refusal of the gate travels as `placet.contracts.errors.RefusedError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from placet.contracts.errors import Code


class GatewayError(Exception):
    """Anything of the gateway."""


class ProblemError(GatewayError):
    """An answer that is a "no".

    Attributes:
        code: Which one.
        detail: A sentence for people: what happened, to what, and what to do.
        named: What the code names, as members of the problem document.
    """

    def __init__(self, *, code: Code, detail: str, **named: Any) -> None:  # noqa: ANN401 - members of a JSON document
        super().__init__(detail)
        self.code: Code = code
        self.detail = detail
        self.named = named


class LoopbackError(GatewayError):
    """Nobody signs in, and the address to listen on can be reached from other machines."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"Without `people` in the configuration everybody who reaches the gateway may decide: it listens on "
            f"127.0.0.1, ::1 or localhost, never on {host!r}. Name the people to listen there."
        )
        self.host = host


class ListeningError(GatewayError):
    """Nobody can listen at the address: it is taken, or not this machine's."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"cannot listen on {host}:{port}: {reason}")
        self.host = host
        self.port = port


class AccountFileError(GatewayError):
    """The account file cannot be read, or a line of it is wrong."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}" if line else f"{path}: {reason}")
        self.path = path
        self.line = line


class TemporalError(GatewayError):
    """What Temporal said, or did not say."""


class ClosedError(TemporalError):
    """The workflow has ended, or there is none of that id."""


class NoAnswerError(TemporalError):
    """Temporal is there, and no worker answered in time."""


class UnreachableError(TemporalError):
    """Temporal cannot be reached, or gave no answer.

    Attributes:
        sent: Whether anything may have left this process.
    """

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent
