"""Each operation of the API as a value: what to send, and how to read what comes back.

Nothing here does I/O, so the synchronous and the asynchronous client are the same code but for `await`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar, cast
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter

from placet.client._answers import AgentCard, ItemResult, KeyCard, Me, Page, Recorded
from placet.contracts.approvals import Approval, ApprovalRequest
from placet.contracts.runs import Run, RunRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from placet.contracts.decisions import DecisionBody

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

KEY_HEADER = "Idempotency-Key"


class ApprovalFilters(TypedDict, total=False):
    """Which approvals a list holds; without `status` those that are pending.

    `status`: any status, `ended` or `any`. `sort`: `expires_at` (default), `requested_at`, `-requested_at`.
    """

    status: str | Sequence[str]
    kind: str | None
    tool: str | None
    agent: str | None
    risk: str | Sequence[str] | None
    run_id: str | None
    thread_id: str | None
    q: str | None
    sort: str | None
    limit: int
    cursor: str | None


class RunFilters(TypedDict, total=False):
    """Which runs a list holds."""

    status: str | Sequence[str] | None
    agent: str | None
    thread_id: str | None
    requester: str | None
    limit: int
    cursor: str | None


@dataclass(frozen=True)
class Operation(Generic[T]):
    """One request, and the reading of its answer.

    Attributes:
        read: Turns status and JSON of a success into the result; raises pydantic's ValidationError on what is
            not an answer of this API.
        key: The idempotency key that it is sent with.
        repeatable: Sent twice it counts once, so it may be repeated when no answer came.
        patience: How long the gateway may take by itself, above the client's timeout.
    """

    method: str
    path: str
    read: Callable[[int, object], T]
    params: Sequence[tuple[str, str]] = ()
    body: object = None
    key: str | None = None
    repeatable: bool = True
    patience: timedelta = field(default=timedelta(0))


def agents() -> Operation[tuple[AgentCard, ...]]:
    """GET `/v1/agents`."""
    return Operation(
        "GET", "/v1/agents", lambda _, found: tuple(AgentCard.model_validate(entry) for entry in _items(found))
    )


def me() -> Operation[Me]:
    """GET `/v1/me`."""
    return Operation("GET", "/v1/me", _one(Me))


def keys() -> Operation[tuple[KeyCard, ...]]:
    """GET `/v1/keys`."""
    return Operation(
        "GET", "/v1/keys", lambda _, found: tuple(KeyCard.model_validate(entry) for entry in _items(found))
    )


def revoke_key(key_id: str) -> Operation[KeyCard]:
    """POST `/v1/keys/{id}/revoke`."""
    return Operation("POST", _path("keys", key_id, "revoke"), _one(KeyCard), body={})


def sign_out() -> Operation[None]:
    """POST `/v1/sessions/revoke`: ends the session that the request comes in."""
    return Operation("POST", "/v1/sessions/revoke", lambda _, __: None, body={"current": True})


def start_run(request: RunRequest, key: str | None) -> Operation[Run]:
    """POST `/v1/runs`."""
    body = request.model_dump(mode="json", exclude_unset=True)
    return Operation("POST", "/v1/runs", _one(Run), body=body, key=key or new_key())


def run(run_id: str) -> Operation[Run]:
    """GET `/v1/runs/{id}`."""
    return Operation("GET", _path("runs", run_id), _one(Run))


def runs(filters: RunFilters) -> Operation[Page[Run]]:
    """GET `/v1/runs`."""
    return Operation("GET", "/v1/runs", _page(Run), params=_params(dict(filters)))


def messages(run_id: str) -> Operation[list[dict[str, Any]]]:
    """GET `/v1/runs/{id}/messages`."""
    return Operation(
        "GET", _path("runs", run_id, "messages"), lambda _, found: _MESSAGES.validate_python(_items(found))
    )


def cancel_run(run_id: str, reason: str | None) -> Operation[Run]:
    """POST `/v1/runs/{id}/cancel`."""
    body = {} if reason is None else {"reason": reason}
    return Operation("POST", _path("runs", run_id, "cancel"), _one(Run), body=body)


def events(run_id: str | None, types: Sequence[str]) -> Operation[None]:
    """GET `/v1/events` or `/v1/runs/{id}/events`: a stream, which is not read as a whole."""
    path = "/v1/events" if run_id is None else _path("runs", run_id, "events")
    return Operation("GET", path, _no_document, params=(("types", ",".join(types)),) if types else ())


def approvals(filters: ApprovalFilters) -> Operation[Page[Approval]]:
    """GET `/v1/approvals`."""
    return Operation("GET", "/v1/approvals", _page(Approval), params=_params(dict(filters)))


def approval(approval_id: str) -> Operation[Approval]:
    """GET `/v1/approvals/{id}`."""
    return Operation("GET", _path("approvals", approval_id), _one(Approval))


def ask(request: ApprovalRequest, key: str | None) -> Operation[Approval]:
    """POST `/v1/approvals`."""
    body = request.model_dump(mode="json", exclude_unset=True)
    return Operation("POST", "/v1/approvals", _one(Approval), body=body, key=key or new_key())


def decide(approval_id: str, body: DecisionBody, key: str | None) -> Operation[Approval | Recorded]:
    """POST `/v1/approvals/{id}/decision`."""
    return Operation(
        "POST",
        _path("approvals", approval_id, "decision"),
        _decided,
        body=body.model_dump(mode="json", exclude_unset=True),
        key=key or new_key(),
    )


def decide_all(decisions: Mapping[str, DecisionBody]) -> Operation[tuple[ItemResult, ...]]:
    """POST `/v1/decisions`, with a key for each decision."""
    listed = [
        {"approval_id": name, "idempotency_key": new_key(), **body.model_dump(mode="json", exclude_unset=True)}
        for name, body in decisions.items()
    ]
    return Operation(
        "POST", "/v1/decisions", lambda _, found: _Results.model_validate(found).results, body={"decisions": listed}
    )


def wait(approval_id: str, seconds: int) -> Operation[Approval | None]:
    """GET `/v1/approvals/{id}/wait`; None when it is still pending after so many seconds."""
    return Operation(
        "GET",
        _path("approvals", approval_id, "wait"),
        lambda status, found: None if status == _NO_CONTENT else Approval.model_validate(found),
        params=(("timeout", str(seconds)),),
        patience=timedelta(seconds=seconds),
    )


def withdraw(approval_id: str) -> Operation[Approval]:
    """POST `/v1/approvals/{id}/cancel`; not repeated, for the second answer would be a 409 to one's own first."""
    return Operation("POST", _path("approvals", approval_id, "cancel"), _one(Approval), body={}, repeatable=False)


def new_key() -> str:
    """Returns an idempotency key that nobody has used."""
    return uuid.uuid4().hex


_ACCEPTED = 202
_NO_CONTENT = 204
_MESSAGES: TypeAdapter[list[dict[str, Any]]] = TypeAdapter(list[dict[str, Any]])


class _List(BaseModel):
    items: list[Any]
    next_cursor: str | None = None


class _Accepted(BaseModel):
    decision_id: str


class _Results(BaseModel):
    results: tuple[ItemResult, ...]


def _path(*segments: str) -> str:
    for segment in segments:
        if segment in {"", ".", ".."}:
            message = f"{segment!r} is not an id"
            raise ValueError(message)
    return "/v1/" + "/".join(quote(segment, safe="") for segment in segments)


def _params(filters: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Returns query parameters; what is None is left out, a sequence repeats its name."""
    found: list[tuple[str, str]] = []
    for name, value in filters.items():
        values = cast("Sequence[object]", value) if isinstance(value, list | tuple) else (value,)
        found.extend((name, str(one)) for one in values if one is not None)
    return tuple(found)


def _no_document(_: int, found: object) -> None:
    del found
    message = "it is no stream of events"
    raise ValueError(message)


def _one(model: type[M]) -> Callable[[int, object], M]:
    return lambda _, found: model.model_validate(found)


def _page(model: type[M]) -> Callable[[int, object], Page[M]]:
    def read(_: int, found: object) -> Page[M]:
        listed = _List.model_validate(found)
        return Page(tuple(model.model_validate(entry) for entry in listed.items), listed.next_cursor)

    return read


def _items(found: object) -> list[Any]:
    """Returns the entries of a list, plain or as `items`."""
    return _List.model_validate({"items": found} if isinstance(found, list) else found).items


def _decided(status: int, found: object) -> Approval | Recorded:
    if status == _ACCEPTED:
        return Recorded(_Accepted.model_validate(found).decision_id)
    return Approval.model_validate(found)
