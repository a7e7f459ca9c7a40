"""The client for asyncio."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

import httpx
from httpx_sse import EventSource

from placet.client import _operations
from placet.client._exchange import LOCAL_URL, TIMEOUT, Address
from placet.client._following import Following
from placet.client.errors import PlacetError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence

    from placet.client._answers import AgentCard, ItemResult, KeyCard, Me, Page, Recorded
    from placet.client._operations import ApprovalFilters, Operation, RunFilters
    from placet.contracts.approvals import Approval, ApprovalRequest
    from placet.contracts.decisions import DecisionBody
    from placet.contracts.events import Event, EventType
    from placet.contracts.runs import Run, RunRequest

T = TypeVar("T")


class AsyncClient:
    """Speaks to the gateway; every method raises a `PlacetError` of `placet.client.errors`.

    Where no answer comes the same request, with the same idempotency key, is sent again up to three times; nothing
    else is repeated.
    """

    def __init__(
        self,
        url: str = LOCAL_URL,
        api_key: str | None = None,
        *,
        timeout: timedelta = TIMEOUT,
        via: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Makes a client; nothing is sent.

        Args:
            url: The gateway's address, without `/v1`.
            api_key: Sent as a bearer token; local mode needs none.
            timeout: For one answer.
            via: `cli` or `web`: the way that the record names for a decision; else it is `api`.
            transport: Instead of the network.

        Raises:
            ValueError: The address or the key cannot be one.
        """
        self._address = Address(url, api_key, timeout, via)
        self._http = httpx.AsyncClient(**self._address.options(), transport=transport)

    @property
    def url(self) -> str:
        """The gateway's address."""
        return self._address.url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes its connections."""
        await self._http.aclose()

    async def agents(self) -> tuple[AgentCard, ...]:
        """Returns the agents that runs can be started of."""
        return await self._send(_operations.agents())

    async def start_run(self, request: RunRequest, *, idempotency_key: str | None = None) -> Run:
        """Starts a run and returns it."""
        return await self._send(_operations.start_run(request, idempotency_key))

    async def run(self, run_id: str) -> Run:
        """Returns one run, with the approvals that it waits for."""
        return await self._send(_operations.run(run_id))

    async def runs(self, **filters: Unpack[RunFilters]) -> Page[Run]:
        """Returns runs, a page at a time."""
        return await self._send(_operations.runs(filters))

    async def messages(self, run_id: str) -> list[dict[str, Any]]:
        """Returns the run's transcript: LangChain message dicts in order."""
        return await self._send(_operations.messages(run_id))

    async def cancel_run(self, run_id: str, *, reason: str | None = None) -> Run:
        """Asks that the run ends: open approvals become cancelled, a call that has started is let finish."""
        return await self._send(_operations.cancel_run(run_id, reason))

    async def approvals(self, **filters: Unpack[ApprovalFilters]) -> Page[Approval]:
        """Returns approvals, a page at a time; without `status` what is pending."""
        return await self._send(_operations.approvals(filters))

    async def approval(self, approval_id: str) -> Approval:
        """Returns one approval."""
        return await self._send(_operations.approval(approval_id))

    async def ask(self, request: ApprovalRequest, *, idempotency_key: str | None = None) -> Approval:
        """Asks for an approval from outside any run."""
        return await self._send(_operations.ask(request, idempotency_key))

    async def decide(
        self, approval_id: str, decision: DecisionBody, *, idempotency_key: str | None = None
    ) -> Approval | Recorded:
        """Decides; `Recorded` when the decision is durable but no worker has counted it yet."""
        return await self._send(_operations.decide(approval_id, decision, idempotency_key))

    async def decide_all(self, decisions: Mapping[str, DecisionBody]) -> tuple[ItemResult, ...]:
        """Decides 1 to 100 approvals, each by itself, and returns what became of each in order."""
        return await self._send(_operations.decide_all(decisions))

    async def wait(self, approval_id: str, *, seconds: int = 60) -> Approval | None:
        """Returns the approval once it has ended, or None when it has not after so many seconds (300 at most)."""
        return await self._send(_operations.wait(approval_id, seconds))

    async def me(self) -> Me:
        """Returns whom the gateway takes the caller for."""
        return await self._send(_operations.me())

    async def keys(self) -> tuple[KeyCard, ...]:
        """Returns the caller's keys; everybody's for an admin."""
        return await self._send(_operations.keys())

    async def revoke_key(self, key_id: str) -> KeyCard:
        """Puts an end to a key, for ever and in every gateway."""
        return await self._send(_operations.revoke_key(key_id))

    async def sign_out(self) -> None:
        """Ends the session that the client's token stands for; a key goes on counting."""
        await self._send(_operations.sign_out())

    async def withdraw(self, approval_id: str) -> Approval:
        """Takes an approval back that was asked for: nobody shall decide any more."""
        return await self._send(_operations.withdraw(approval_id))

    async def events(
        self, *, run_id: str | None = None, types: Sequence[EventType] = (), after: str | None = None
    ) -> AsyncIterator[Event]:
        """Yields events as they come; where the connection breaks it goes on behind the last one.

        A run's begin with its start and end with its end. All others begin now, and never end.

        Args:
            run_id: Only this run's.
            types: Only these.
            after: Continues behind the event of this id.

        Raises:
            PlacetError: The gateway refuses, or cannot be reached: at first for a second, later for ten minutes.
        """
        following = Following(self._address, run_id, types, after)
        while not following.over:
            try:
                async with aclosing(self._connected(following)) as events:
                    async for event in events:
                        yield event
                broken = None
            except (httpx.TransportError, PlacetError) as error:
                broken = error
            if not following.over:
                await asyncio.sleep(following.pause(broken))

    async def _connected(self, following: Following) -> AsyncGenerator[Event]:
        async with self._http.stream(**following.request()) as answer:
            if not following.is_stream(answer):
                await answer.aread()
            if not following.opened(answer):
                return
            async with aclosing(EventSource(answer).aiter_sse()) as source:
                async for sent in source:
                    event = following.take(sent)
                    if event is not None:
                        yield event
                    if following.over:
                        return

    async def _send(self, operation: Operation[T]) -> T:
        tried = 0
        while True:
            tried += 1
            try:
                answer = await self._http.request(**self._address.request(operation))
            except httpx.TransportError as error:
                await asyncio.sleep(self._address.pause_before_repeat(operation, tried, error))
            else:
                return self._address.result(operation, answer)
