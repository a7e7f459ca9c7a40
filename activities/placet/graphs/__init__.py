"""LangGraph graphs as the worker runs them: loaded, stepped, read and answered.

Everything that knows LangGraph is here. Nothing imports this portion before the configuration names a graph: LangGraph
takes half a second, and a worker of agents with tools starts without it.
"""

import os

# Read by LangGraph when it is imported: no type outside a graph's own state is ever made from a checkpoint.
os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"

from placet.graphs._agent import GraphAgent
from placet.graphs._checkpoints import Checkpoints
from placet.graphs._self_test import self_test
from placet.graphs._shapes import Reached, Waiting, Wanted
from placet.graphs.errors import (
    CheckpointsUnavailableError,
    GraphChangedError,
    GraphError,
    NodeError,
    TooManyStepsError,
)

__all__ = [
    "Checkpoints",
    "CheckpointsUnavailableError",
    "GraphAgent",
    "GraphChangedError",
    "GraphError",
    "NodeError",
    "Reached",
    "TooManyStepsError",
    "Waiting",
    "Wanted",
    "self_test",
]
