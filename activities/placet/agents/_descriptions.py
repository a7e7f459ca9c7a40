"""`describe` of a rule: a user's function that says in words what a call would do."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, cast


@dataclass(frozen=True, eq=False)
class DescribedCall(Mapping[str, Any]):
    """What such a function gets: `call.args` and `call["args"]` are the same.

    Attributes:
        agent: None where a workflow that is not ours does not say.
        requester: Who started the run, as `user:dana`.
        run: `id`, `thread_id` and `turn`; empty for a call outside our runs.
    """

    tool: str
    args: dict[str, Any]
    agent: str | None
    requester: str | None
    run: dict[str, Any]

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - arguments are anything
        if name not in self._names():
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    @classmethod
    def _names(cls) -> list[str]:
        return [field.name for field in fields(cls)]


Description = Callable[[DescribedCall], str | Awaitable[str]]


def description_of(found: object) -> Description:
    """Returns what a reference of `describe` names.

    Raises:
        TypeError: It is no function of one argument.
    """
    if not callable(found) or isinstance(found, type):
        message = "is no function"
        raise TypeError(message)
    try:
        signature = inspect.signature(found)
    except ValueError:
        return cast("Description", found)
    try:
        signature.bind(object())
    except TypeError as error:
        message = "takes other arguments than one, the call"
        raise TypeError(message) from error
    return cast("Description", found)
