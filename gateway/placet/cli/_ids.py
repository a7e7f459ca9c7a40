"""From what a person types to one id: the whole id, or a beginning of it that fits one thing only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from placet.cards.view import headline
from placet.cards.visible import one_line
from placet.cli._session import UsageError
from placet.client.errors import NotFoundError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from placet.client import Client, Page
    from placet.contracts.approvals import Approval
    from placet.contracts.runs import Run

T = TypeVar("T")

WHOLE_APPROVAL: Final = re.compile(r"[0-9a-f]{32}")
WHOLE_RUN: Final = re.compile(r"(run-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SHORT: Final = 8
"""Characters of an id that a person is shown."""
_SHORTEST: Final = 4
_PAGES: Final = 10
_PAGE: Final = 200
_CANDIDATES: Final = 10


class AmbiguousIdError(UsageError):
    """Several things begin like this."""


def find_approval(client: Client, typed: str) -> Approval:
    """Returns the approval of an id, or of the beginning of one.

    A beginning is looked for in what is pending and in what ended last, 2,000 of each.

    Raises:
        UsageError: It is too short, or fits several.
        NotFoundError: It fits none.
    """
    wanted = typed.strip().lower()
    if WHOLE_APPROVAL.fullmatch(wanted):
        return client.approval(wanted)
    _check_beginning(wanted, typed)
    pending = _pages(lambda cursor: client.approvals(status="pending", limit=_PAGE, cursor=cursor))
    ended = _pages(lambda cursor: client.approvals(status="ended", sort="-requested_at", limit=_PAGE, cursor=cursor))
    # An approval that ends between the two lists is in both.
    found = {one.id: one for items in (pending, ended) for one in items if one.id.startswith(wanted)}
    return found[_only(typed, "approval", {one.id: f"{one.status:10} {headline(one)}" for one in found.values()})]


def find_run(client: Client, typed: str) -> Run:
    """Returns the run of an id, or of the beginning of one, with or without `run-`.

    Raises:
        UsageError: It is too short, or fits several.
        NotFoundError: It fits none.
    """
    wanted = typed.strip().lower()
    if WHOLE_RUN.fullmatch(wanted):
        try:
            return client.run(wanted)
        except NotFoundError:
            if wanted.startswith("run-"):
                raise
            return client.run(f"run-{wanted}")
    beginning = wanted.removeprefix("run-")
    _check_beginning(beginning.replace("-", ""), typed)
    listed = _pages(lambda cursor: client.runs(limit=_PAGE, cursor=cursor))
    found = {one.id: one for one in listed if one.id.removeprefix("run-").startswith(beginning)}
    return found[_only(typed, "run", {one.id: f"{one.status:10} {one_line(one.agent)}" for one in found.values()})]


def _check_beginning(wanted: str, typed: str) -> None:
    if not re.fullmatch(r"[0-9a-f]+", wanted):
        _not_found(f"{typed!r} is not an id: ids are hexadecimal")
    if len(wanted) < _SHORTEST:
        message = f"{typed!r} is too short: give the id or at least its first {_SHORTEST} characters."
        raise UsageError(message)


def _pages(fetch: Callable[[str | None], Page[T]]) -> Iterator[T]:
    cursor: str | None = None
    for _ in range(_PAGES):
        page = fetch(cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def _only(typed: str, kind: str, described: dict[str, str]) -> str:
    """Returns the only id there is."""
    if not described:
        _not_found(f"No {kind} that you may see begins with {typed!r}; older ones need the whole id")
    if len(described) > 1:
        candidates = _candidates(described.items())
        message = f"{typed!r} fits {len(described)}: {'; '.join(candidates)}. Give more of the id."
        raise AmbiguousIdError(message)
    return next(iter(described))


def _candidates(described: Iterable[tuple[str, str]]) -> list[str]:
    listed = [f"{name} {words}" for name, words in described]
    rest = len(listed) - _CANDIDATES
    return listed[:_CANDIDATES] + ([f"and {rest} more"] if rest > 0 else [])


def _not_found(sentence: str) -> NoReturn:
    raise NotFoundError(Problem(title="Not found", status=404, code="not_found", detail=f"{sentence}."))
