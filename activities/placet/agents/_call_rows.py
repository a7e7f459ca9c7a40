"""How a graph's own tools come by the rows that let a call run once.

`placet.langchain.ApprovalMiddleware` stands inside the graph, in a loop of its own, and knows no ledger. The superstep
around it does, and lends it these rows.
"""

from __future__ import annotations

from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from placet.contracts.graphs import Permit
from placet.ledger import MessageDict


@dataclass(frozen=True)
class PermittedCall:
    """A call that may run.

    Attributes:
        args_text: Its canonical arguments, those that an edit put in their place included.
    """

    permit: Permit
    call_id: str
    tool: str
    args_text: str


@dataclass(frozen=True)
class StartedCall:
    """What the row of a call says.

    Attributes:
        state: `runs`: whoever asked runs it, and nobody else does. `uncertain`: an earlier attempt may have run it.
        metadata: What the tool may know of its call, where it runs.
        message_id: The result's, where it is finished.
    """

    state: Literal["runs", "finished", "uncertain"]
    metadata: dict[str, Any] | None = None
    message_id: str | None = None
    message: MessageDict | None = None


class CallRows(Protocol):
    """The rows of the calls of one superstep; what they return comes from another loop.

    `again` is how often a person has said that an uncertain call is to be run again.
    """

    def start(self, call: PermittedCall, again: int) -> Future[StartedCall]:
        """Claims the call's row, or says what became of it."""
        ...

    def finish(self, call: PermittedCall, again: int, message: MessageDict, *, failed: bool) -> Future[str | None]:
        """Keeps the result, and returns its id; None where the row is another's by now."""
        ...

    def let_go(self, call: PermittedCall, again: int) -> Future[None]:
        """Leaves the row to whoever comes next: the tool waits for somebody, and runs from its top when they answer."""
        ...

    def settle(self, call: PermittedCall, again: int, said: str | None, *, ran: bool) -> Future[MessageDict]:
        """Returns what the model reads of an uncertain call once somebody has looked, or nobody could."""
        ...


CALL_ROWS: Final[ContextVar[CallRows | None]] = ContextVar("placet_call_rows", default=None)
"""Of the superstep that is running; None where a graph runs without Placet."""
