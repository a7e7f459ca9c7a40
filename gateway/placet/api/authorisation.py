"""Who may do what, as one table: a route without a row is not served, and what a row does not say is refused.

A row says which roles may call at all (403 else), and of the thing that the path names, an approval, a run or a thread,
what it has to be to the caller: `own` (they asked for it, or started it), `named` (its approvers name them; of a run or
a thread, those of one of its approvals), `any`. What is none of these to a caller is not there for them: 404, and left
out of lists, counts, searches and streams, whose conditions are made from the same rule (`placet.contracts.reach`).
`acts` narrows that for what changes the thing: who sees it and may not gets 403.

`ended` says what is answered once the thing has ended. The table is checked against every endpoint when the app is
made, and against what is really answered, role by role and state by state, by `tests/gateway/test_matrix.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, get_args

from fastapi.routing import APIRoute

from placet.contracts.config import Role
from placet.contracts.reach import Reach

if TYPE_CHECKING:
    from fastapi import FastAPI

Thing = Literal["approval", "run", "thread"]
Who = Literal["anybody", "signed in"] | frozenset[Role]
"""`anybody`, also without signing in; `signed in`, also without a role; or one of these roles (an admin has all)."""

EVERY: Final[frozenset[Role]] = frozenset(get_args(Role))
DECIDES: Final[Reach] = MappingProxyType({"approver": "named", "admin": "any"})
"""Who decides; beside them a requester who is named as such. Nobody on a call of their own, but by a rule."""
TAKES_BACK: Final[Reach] = MappingProxyType({"requester": "own", "admin": "any"})
"""Who withdraws an approval or cancels a run."""
GOES_ON: Final[Reach] = MappingProxyType({"requester": "own", **DECIDES})
"""Who goes on on a thread: says more on one of theirs, or answers what waits and names them."""


@dataclass(frozen=True)
class Row:
    """What is allowed of one route.

    Attributes:
        who: Who may call.
        thing: What the path names.
        acts: Who may do it to a thing that they see; None where to see it is enough.
        ended: The status once the thing has ended, where that is another one.
        agents: Whether an agent's key may call it.
        in_browser: Whether only a session of a browser may call it: who comes with a key gets 403.
        may_be_public: Whether a setting may open it to anybody.
        offered: Whether there is anything behind it; else it is 404 for who may call, with the reason.
    """

    who: Who = EVERY
    thing: Thing | None = None
    acts: Reach | None = None
    ended: int | None = None
    agents: bool = False
    in_browser: bool = False
    may_be_public: bool = False
    offered: bool = True

    def lets_in(self, who: Who) -> bool:
        """Returns whether a signature that lets in these says what the row says."""
        return who == self.who or (self.may_be_public and who == "anybody")


_OPEN: Final = Row("anybody", agents=True)
_SIGNED_IN: Final = Row("signed in", agents=True)
_SESSION: Final = Row("signed in", in_browser=True)
_PERSON: Final = Row("signed in")
_ANY_ROLE: Final = Row(agents=True)
_REQUESTERS: Final[frozenset[Role]] = frozenset({"requester"})
_PARTIES: Final[frozenset[Role]] = frozenset({"requester", "approver"})
_STARTS: Final = Row(_REQUESTERS, agents=True)
_READS_APPROVAL: Final = Row(thing="approval", agents=True)
_READS_RUN: Final = Row(thing="run", agents=True)
_PAGE: Final = Row()
_PAGE_OF_APPROVAL: Final = Row(thing="approval")
_PAGE_OF_RUN: Final = Row(thing="run")
_DECISION: Final = Row(thing="approval", acts=DECIDES, ended=409)
_READS_THREAD: Final = Row(thing="thread", agents=True)
_OWN_THREAD: Final = Row(thing="thread", acts=TAKES_BACK, agents=True)
_GOES_ON: Final = Row(_PARTIES, "thread", acts=GOES_ON, agents=True)
_NOT_OFFERED: Final = Row(agents=True, offered=False)

TABLE: Final[Mapping[str, Row]] = MappingProxyType(
    {
        "GET /healthz": _OPEN,
        "GET /readyz": _OPEN,
        "GET /openapi.json": _OPEN,
        "GET /metrics": Row(frozenset({"auditor", "admin"}), may_be_public=True),
        "GET /v1/me": _SIGNED_IN,
        # One's own; an admin's are everybody's. What is somebody else's is not there.
        "GET /v1/keys": _PERSON,
        "POST /v1/keys/{key_id}/revoke": _PERSON,
        "POST /v1/sessions/revoke": _PERSON,
        "GET /v1/agents": _ANY_ROLE,
        "POST /v1/runs": _STARTS,
        "GET /v1/runs": _ANY_ROLE,
        "GET /v1/runs/{run_id}": _READS_RUN,
        "GET /v1/runs/{run_id}/messages": _READS_RUN,
        "GET /v1/runs/{run_id}/events": _READS_RUN,
        "POST /v1/runs/{run_id}/cancel": Row(thing="run", acts=TAKES_BACK, ended=409, agents=True),
        "GET /v1/approvals": _ANY_ROLE,
        "POST /v1/approvals": _STARTS,
        "GET /v1/approvals/{approval_id}": _READS_APPROVAL,
        "GET /v1/approvals/{approval_id}/wait": _READS_APPROVAL,
        "POST /v1/approvals/{approval_id}/cancel": Row(thing="approval", acts=TAKES_BACK, ended=409, agents=True),
        "POST /v1/approvals/{approval_id}/decision": _DECISION,
        "POST /v1/decisions": _PAGE,
        "GET /v1/events": _ANY_ROLE,
        # Signing in, which nobody has done before.
        "GET /sign-in": _OPEN,
        "POST /sign-in/account": _OPEN,
        "GET /sign-in/provider": _OPEN,
        "GET /sign-in/callback": _OPEN,
        "POST /sign-out": _SIGNED_IN,
        "GET /sign-in/command-line": _SESSION,
        "POST /sign-in/command-line": _SESSION,
        # What clients of LangGraph ask for. To go on from an interrupt is to decide, which no agent may.
        "GET /langgraph/info": _OPEN,
        "GET /langgraph/ok": _OPEN,
        "POST /langgraph/assistants/search": _ANY_ROLE,
        "POST /langgraph/assistants/count": _ANY_ROLE,
        "GET /langgraph/assistants/{assistant_id}": _ANY_ROLE,
        "GET /langgraph/assistants/{assistant_id}/schemas": _ANY_ROLE,
        "GET /langgraph/assistants/{assistant_id}/graph": _ANY_ROLE,
        "POST /langgraph/threads": _STARTS,
        "POST /langgraph/threads/search": _ANY_ROLE,
        "POST /langgraph/threads/count": _ANY_ROLE,
        "GET /langgraph/threads/approval-{approval_id}": _READS_APPROVAL,
        "GET /langgraph/threads/approval-{approval_id}/state": _READS_APPROVAL,
        "POST /langgraph/threads/approval-{approval_id}/state": _DECISION,
        "POST /langgraph/threads/approval-{approval_id}/history": _READS_APPROVAL,
        "POST /langgraph/threads/approval-{approval_id}/runs": _DECISION,
        "POST /langgraph/threads/approval-{approval_id}/runs/stream": _DECISION,
        "POST /langgraph/threads/approval-{approval_id}/runs/wait": _DECISION,
        "GET /langgraph/threads/{thread_id}": _READS_THREAD,
        "PATCH /langgraph/threads/{thread_id}": _OWN_THREAD,
        "DELETE /langgraph/threads/{thread_id}": _OWN_THREAD,
        "GET /langgraph/threads/{thread_id}/state": _READS_THREAD,
        "POST /langgraph/threads/{thread_id}/state": Row(_PARTIES, "thread", acts=GOES_ON, ended=409, agents=True),
        "GET /langgraph/threads/{thread_id}/state/{checkpoint_id}": _READS_THREAD,
        "POST /langgraph/threads/{thread_id}/history": _READS_THREAD,
        "GET /langgraph/threads/{thread_id}/runs": _READS_THREAD,
        "POST /langgraph/threads/{thread_id}/runs": _GOES_ON,
        "POST /langgraph/threads/{thread_id}/runs/stream": _GOES_ON,
        "POST /langgraph/threads/{thread_id}/runs/wait": _GOES_ON,
        "GET /langgraph/threads/{thread_id}/runs/{run_id}": _READS_THREAD,
        "GET /langgraph/threads/{thread_id}/runs/{run_id}/stream": _READS_THREAD,
        "GET /langgraph/threads/{thread_id}/runs/{run_id}/join": _READS_THREAD,
        "POST /langgraph/threads/{thread_id}/runs/{run_id}/cancel": Row(
            thing="thread", acts=TAKES_BACK, ended=409, agents=True
        ),
        "POST /langgraph/threads/{thread_id}/commands": _GOES_ON,
        "POST /langgraph/threads/{thread_id}/stream/events": _READS_THREAD,
        "POST /langgraph/assistants": _NOT_OFFERED,
        "PATCH /langgraph/assistants/{path:path}": _NOT_OFFERED,
        "DELETE /langgraph/assistants/{path:path}": _NOT_OFFERED,
        "POST /langgraph/runs": _NOT_OFFERED,
        "POST /langgraph/runs/stream": _NOT_OFFERED,
        "POST /langgraph/runs/wait": _NOT_OFFERED,
        "POST /langgraph/runs/batch": _NOT_OFFERED,
        "POST /langgraph/runs/cancel": _NOT_OFFERED,
        "POST /langgraph/runs/crons": _NOT_OFFERED,
        "POST /langgraph/runs/crons/search": _NOT_OFFERED,
        "POST /langgraph/threads/prune": _NOT_OFFERED,
        "POST /langgraph/threads/{thread_id}/copy": _NOT_OFFERED,
        "GET /langgraph/threads/{thread_id}/stream": _NOT_OFFERED,
        "DELETE /langgraph/threads/{thread_id}/runs/{run_id}": _NOT_OFFERED,
        "GET /langgraph/store/items": _NOT_OFFERED,
        "PUT /langgraph/store/items": _NOT_OFFERED,
        "DELETE /langgraph/store/items": _NOT_OFFERED,
        "POST /langgraph/store/items/search": _NOT_OFFERED,
        "POST /langgraph/store/namespaces": _NOT_OFFERED,
        # The pages: for people, never for an agent's key.
        "GET /static/{version}/{name:path}": _OPEN,
        "GET /": _PAGE,
        "GET /inbox": _PAGE,
        "POST /inbox/several": _PAGE,
        "POST /inbox/several/decision": _PAGE,
        "GET /approvals/{approval_id}": _PAGE_OF_APPROVAL,
        "GET /approvals/{approval_id}/edit": _DECISION,
        "POST /approvals/{approval_id}/edit": _DECISION,
        "POST /approvals/{approval_id}/decision": _DECISION,
        "GET /runs": _PAGE,
        "GET /runs/{run_id}": _PAGE_OF_RUN,
        "GET /runs/{run_id}/turns/{turn}": _PAGE_OF_RUN,
        "POST /runs/{run_id}/turns/{turn}": _PAGE_OF_RUN,
        "GET /agents": _PAGE,
        "GET /agents/{name}": _PAGE,
        "GET /service": _PAGE,
        "GET /settings": _PAGE,
        "POST /settings": _PAGE,
        "POST /settings/sessions": _SESSION,
    }
)
"""By method and path; what is not here is not served."""


class UnruledRouteError(Exception):
    """A route that the table does not know, or that says otherwise than the table.

    Attributes:
        route: Method and path.
    """

    def __init__(self, route: str, flaw: str) -> None:
        self.route = route
        super().__init__(f"{route}: {flaw}; its row belongs into placet.api.authorisation")


def row_of(method: str, path: str) -> Row | None:
    """Returns the row of a route; None where nobody may call it."""
    return TABLE.get(f"{method} {path}")


def check_table(app: FastAPI) -> None:
    """Refuses an app that serves a route without a row, or to others than the row says.

    Raises:
        UnruledRouteError: It does.
    """
    # `access` looks into the table for each call.
    from placet.api.access import Allow, Public  # noqa: PLC0415
    from placet.api.openapi import api_routes, dependencies_of  # noqa: PLC0415

    for name in _served_otherwise(app):
        if name not in TABLE or TABLE[name].who != "anybody":
            raise UnruledRouteError(name, "it has no row that opens it to anybody, and nothing asks who calls")
    for route in api_routes(app):
        rules = [one for one in dependencies_of(route) if isinstance(one, Allow | Public)]
        for name in (f"{method} {route.path}" for method in sorted(route.methods or ())):
            row = TABLE.get(name)
            if row is None:
                raise UnruledRouteError(name, "it has no row")
            if len(rules) != 1:
                raise UnruledRouteError(name, f"its signature says {len(rules)} times who may call it")
            if not row.lets_in(rules[0].who):
                flaw = f"its signature lets in {_told(rules[0].who)}, its row {_told(row.who)}"
                raise UnruledRouteError(name, flaw)


def _served_otherwise(app: FastAPI) -> Iterator[str]:
    """Yields what the app serves that is no endpoint: FastAPI's own description of it, and whatever is mounted."""
    for route in app.routes:
        if not isinstance(route, APIRoute):
            methods: set[str] = getattr(route, "methods", None) or {"*"}
            yield from (f"{method} {getattr(route, 'path', route)}" for method in sorted(methods - {"HEAD"}))


def _told(who: Who) -> str:
    return who if isinstance(who, str) else " or ".join(sorted(who))
