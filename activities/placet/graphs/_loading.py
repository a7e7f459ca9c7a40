"""From `module:attribute` to a compiled graph: as it is, a builder, or whatever makes one."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Protocol, cast

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.utils import get_function_nonlocals
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import StateGraph  # pyright: ignore[reportMissingTypeStubs] - it has types, and says so
from langgraph.pregel import Pregel  # pyright: ignore[reportMissingTypeStubs]

Graph = Pregel[Any, Any, Any, Any]
Maker = Callable[..., object]


class _Builder(Protocol):
    def compile(self) -> object: ...


class Source:
    """Where a graph comes from.

    What takes a configuration is called for every superstep with that of the run; what takes none is called once.
    """

    def __init__(self, thing: object) -> None:
        """Takes what a reference names.

        Raises:
            TypeError: It is no graph and makes none.
        """
        self._thing = thing
        self._kept: Graph | None = None
        self._stack = AsyncExitStack()
        self._takes_config = _takes_config(thing)
        if isinstance(thing, Pregel | StateGraph):
            self._kept = _graph_of(cast("object", thing))
        elif not callable(thing):
            message = f"it is a {type(thing).__name__}, and neither a LangGraph graph nor a function that makes one"
            raise TypeError(message)
        elif not self._takes_config and _is_plain(thing):
            made = thing()
            if not _is_to_be_opened(made):
                self._kept = _graph_of(made)
            else:
                _let_go(made)

    @property
    def known(self) -> Graph | None:
        """The graph, where it is made already."""
        return self._kept

    @asynccontextmanager
    async def graph(self, config: RunnableConfig) -> AsyncGenerator[Graph]:
        """Gives the graph for one superstep.

        Raises:
            TypeError: What was made is no graph.
        """
        if self._kept is not None:
            yield self._kept
        elif self._takes_config:
            async with AsyncExitStack() as stack:
                yield await _opened(cast("Maker", self._thing)(config), stack)
        else:
            self._kept = await _opened(cast("Maker", self._thing)(), self._stack)
            yield self._kept

    async def close(self) -> None:
        """Leaves what was entered to make the graph."""
        await self._stack.aclose()


def _takes_config(thing: object) -> bool:
    if not callable(thing) or isinstance(thing, Pregel | StateGraph):
        return False
    parameters = inspect.signature(thing).parameters.values()
    positional = [one for one in parameters if one.kind in {one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD}]
    wanted = [one for one in positional if one.default is one.empty]
    if len(wanted) > 1:
        message = (
            f"it takes {len(wanted)} arguments, and a function that makes a graph takes a configuration or nothing"
        )
        raise TypeError(message)
    return bool(wanted) or any(one.name == "config" for one in positional)


def _is_plain(thing: object) -> bool:
    return not (inspect.iscoroutinefunction(thing) or inspect.isasyncgenfunction(thing))


def _is_to_be_opened(made: object) -> bool:
    if isinstance(made, Pregel | StateGraph):
        return False
    return inspect.isawaitable(made) or isinstance(made, AbstractAsyncContextManager | AbstractContextManager)


def _let_go(made: object) -> None:
    """Closes what was made to see what it is, and is made again in its own loop."""
    if inspect.iscoroutine(made):
        made.close()


async def _opened(made: object, stack: AsyncExitStack) -> Graph:
    if isinstance(made, Pregel | StateGraph):
        return _graph_of(cast("object", made))
    if inspect.isawaitable(made):
        return await _opened(await cast("Awaitable[object]", made), stack)
    if isinstance(made, AbstractAsyncContextManager):
        return _graph_of(await stack.enter_async_context(cast("AbstractAsyncContextManager[object]", made)))
    if isinstance(made, AbstractContextManager):
        return _graph_of(stack.enter_context(cast("AbstractContextManager[object]", made)))
    return _graph_of(made)


def _graph_of(thing: object) -> Graph:
    """Returns the graph, ready to be kept by our saver and by no other.

    Raises:
        TypeError: It is none.
    """
    made = cast("_Builder", thing).compile() if isinstance(thing, StateGraph) else thing
    if not isinstance(made, Pregel):
        message = f"it makes a {type(made).__name__}, which is no LangGraph graph: name the compiled graph itself"
        raise TypeError(message)
    graph = cast("Graph", made)
    for inner in graphs_in(graph):
        own = cast("object", inner.checkpointer)
        if own is False or isinstance(own, BaseCheckpointSaver):
            inner.checkpointer = None
    return graph


def graphs_in(graph: Graph) -> list[Graph]:
    """Returns the graphs that are nodes of a graph or are called in one, and those in them.

    LangGraph's own list leaves out those that were compiled without a saver.
    """
    found = [graph]
    for one in found:  # It grows meanwhile.
        found += [inner for node in one.nodes.values() for inner in _held_by(node.bound) if inner not in found]
    return found[1:]


def _held_by(runnable: object) -> Iterator[Graph]:
    if isinstance(runnable, Pregel):
        yield cast("Graph", runnable)
        return
    for step in cast("list[object]", getattr(runnable, "steps", ())):
        yield from _held_by(step)
    for function in (getattr(runnable, "func", None), getattr(runnable, "afunc", None)):
        if callable(function):
            used = [getattr(one, "__self__", one) for one in get_function_nonlocals(function)]
            yield from (cast("Graph", one) for one in used if isinstance(one, Pregel))
