"""Deciding on a list: refused as a whole where one of them is wrong, then each for itself."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from placet.api.decisions.deciding import Recorded, decision_request
from placet.api.errors import ProblemError, UnreachableError
from placet.api.problems import problem_body, problem_of
from placet.contracts.decisions import LONGEST_LIST, DecisionBody
from placet.contracts.errors import CODES, RefusedError

if TYPE_CHECKING:
    from placet.api.decisions.deciding import Deciding, DecisionRequest
    from placet.api.decisions.delivery import Clock
    from placet.api.identity import Caller
    from placet.contracts.errors import Refusal

AT_ONCE: Final = 10
_ANOTHER_WAS_FIRST: Final = frozenset(
    {"already_decided", "expired", "cancelled", "superseded", "stale_digest", "idempotency_key_reused"}
)
"""What is a result of its item, not a fault of the list."""


class BatchItem(DecisionBody):
    """One decision of a list."""

    approval_id: str
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=255)


class BatchBody(BaseModel):
    """The body of POST `/v1/decisions`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decisions: tuple[BatchItem, ...] = Field(min_length=1, max_length=LONGEST_LIST)


class BatchResult(BaseModel):
    """What became of one decision: the status and body that it would have got by itself."""

    approval_id: str
    status: int
    body: dict[str, Any]


class BatchAnswer(BaseModel):
    """The results, in the order of the decisions."""

    results: list[BatchResult]


@dataclass(frozen=True)
class Result:
    """What became of one decision."""

    approval_id: str
    status: int
    body: object


class Batch:
    """Decides on lists."""

    def __init__(self, deciding: Deciding, clock: Clock) -> None:
        self._deciding = deciding
        self._clock = clock

    async def decide(self, caller: Caller, items: tuple[BatchItem, ...]) -> list[Result]:
        """Returns what became of each decision, in their order.

        Raises:
            ProblemError: `invalid_request`: one of them is wrong, and nothing was changed; `slow_down`, `unavailable`.
        """
        self._deciding.admit(caller, len(items))
        limit = asyncio.Semaphore(AT_ONCE)
        requests = await self._checked(caller, items, limit)
        return list(await asyncio.gather(*(self._apply(one, limit) for one in requests)))

    async def _checked(
        self, caller: Caller, items: tuple[BatchItem, ...], limit: asyncio.Semaphore
    ) -> list[DecisionRequest]:
        now = self._clock()
        requests: list[DecisionRequest] = []
        faults: list[dict[str, str]] = []
        seen: set[str] = set()
        for place, item in enumerate(items):
            if item.approval_id in seen:
                faults.append(_fault(place, "invalid_request", "the approval is named twice"))
            seen.add(item.approval_id)
            try:
                requests.append(decision_request(item.approval_id, caller, item, item.idempotency_key, now))
            except RefusedError as error:
                faults.append(_fault(place, error.refusal.code, error.refusal.message))
        if not faults:
            found = await asyncio.gather(*(self._fault_of(at, one, limit) for at, one in enumerate(requests)))
            faults = [fault for fault in found if fault is not None]
        if faults:
            raise whole_list_refused(faults)
        return requests

    async def _fault_of(self, place: int, wanted: DecisionRequest, limit: asyncio.Semaphore) -> dict[str, str] | None:
        """Returns why one decision spoils the list; what somebody else did first does not."""
        try:
            async with limit:
                approval = await self._deciding.entitled(wanted)
                if not await self._deciding.is_repeat(wanted):
                    await self._deciding.fitting(wanted, approval)
        except RefusedError as error:
            if error.refusal.code in _ANOTHER_WAS_FIRST:
                return None
            return _fault(place, error.refusal.code, error.refusal.message)
        except UnreachableError as error:
            raise ProblemError(code="unavailable", detail=f"{error}.", maybe_recorded=False) from error
        except ProblemError as error:
            return _fault(place, error.code, error.detail)
        return None

    async def _apply(self, wanted: DecisionRequest, limit: asyncio.Semaphore) -> Result:
        try:
            async with limit:
                answer = await self._deciding.apply(wanted)
        except RefusedError as error:
            return _refused(wanted, error.refusal)
        except ProblemError as error:
            body = problem_body(error.code, error.detail, error.named)
            return Result(wanted.approval_id, body["status"], body)
        if isinstance(answer, Recorded):
            return Result(wanted.approval_id, 202, answer)
        return Result(wanted.approval_id, 200, answer)


def whole_list_refused(faults: list[dict[str, str]]) -> ProblemError:
    """Returns the answer that refuses a list and names what is wrong with it."""
    first = faults[0]
    detail = f"Nothing was decided. {first['pointer']}: {first['message']}"
    return ProblemError(code="invalid_request", detail=detail, errors=faults)


def _refused(wanted: DecisionRequest, refusal: Refusal) -> Result:
    return Result(wanted.approval_id, CODES[refusal.code].status, problem_of(refusal))


def _fault(place: int, code: str, message: str) -> dict[str, str]:
    return {"pointer": f"/decisions/{place}", "code": code, "message": message}
