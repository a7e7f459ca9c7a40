"""What goes wrong with graphs.

GraphError
├── GraphChangedError            the graph is not the one that asked
├── CheckpointGoneError          what it would go on from has been deleted
├── NodeError                    the graph's own code failed
├── TooManyStepsError            it took more supersteps than it may
└── MisfitError                  what somebody answered is not what the graph takes

CheckpointsUnavailableError      the database of checkpoints did not answer: trying again helps
"""

from __future__ import annotations


class GraphError(Exception):
    """Something about a graph is wrong, and trying again would not help."""


class GraphChangedError(GraphError):
    """What was asked is not there any more: LangGraph would report the graph as finished.

    Attributes:
        interrupt: The id of what was answered.
    """

    def __init__(self, interrupt: str) -> None:
        self.interrupt = interrupt
        super().__init__(
            "The graph has changed while it waited: the node that asked is not there any more. Start it again."
        )


class CheckpointGoneError(GraphError):
    """The checkpoint to go on from is not there: a reset went back too far, or the database is another one.

    Attributes:
        head: Its id.
    """

    def __init__(self, head: str) -> None:
        self.head = head
        super().__init__(
            f"The checkpoint {head} is not there any more: old ones are deleted while a run goes on and when it has"
            " ended. Start it again, or reset it to a later superstep."
        )


class NodeError(GraphError):
    """A node raised, after LangGraph's own retries.

    Attributes:
        node: Its name; None where the graph failed between nodes.
    """

    def __init__(self, node: str | None, cause: BaseException) -> None:
        self.node = node
        said = f"{type(cause).__name__}: {cause}"
        super().__init__(f"The node {node} raised {said}" if node else said)


class TooManyStepsError(GraphError):
    """The graph took more supersteps in one go than its recursion limit allows.

    Attributes:
        limit: How many those are; LangGraph would name what was left of them for the last superstep.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"The graph took more than {limit} supersteps in one go, which is its recursion_limit.")


class MisfitError(GraphError):
    """What somebody answered is not what the graph takes; it has to be asked again."""


class CheckpointsUnavailableError(Exception):
    """The database of checkpoints cannot be used now; the superstep may be tried again."""
