"""Who may call an endpoint, as it shows in the endpoint's signature; the default is nobody.

The order of the checks is the order of the dependencies: size, sign-in, JSON, shape, and only then the
role. So a body stands before its caller in a signature.

All of them are coroutines: FastAPI would send each function to a thread, which takes longer than the check itself.
"""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from pydantic import BaseModel, JsonValue

from placet.api.authorisation import Who, row_of
from placet.api.bodies import parse_body, read_bounded, shaped
from placet.api.errors import ProblemError
from placet.api.identity import Caller
from placet.api.services import Services, services_of
from placet.contracts.config import Role

AT_ONCE: Final = 16 * 1024
"""Bytes of a body that are read where everybody waits, at most; a thread reads more."""
EVERY: Final[tuple[Role, ...]] = ("requester", "approver", "auditor", "admin")


async def signed_in(request: Request) -> Caller:
    """Returns who calls, once the whole body is here and not too large."""
    services = await services_of(request)
    if request.method in {"POST", "PATCH"}:
        request.state.body = await read_bounded(request)
    caller = await services.directory.sign_in(request)
    request.state.caller = caller.id
    request.state.signed_in = caller
    await services.auth.forms.admit(request, caller)
    return caller


class Allow:
    """Lets callers in who have one of the roles, and agents only where the table says so."""

    def __init__(self, *roles: Role) -> None:
        self.roles = roles

    @property
    def who(self) -> Who:
        """Whom it lets in, in the words of the table."""
        return frozenset(self.roles)

    async def __call__(self, request: Request, caller: Annotated[Caller, Depends(signed_in)]) -> Caller:
        """Returns the caller.

        Raises:
            ProblemError: `not_allowed`.
        """
        if caller.agent and not _is_for_agents(request):
            detail = f"{caller.id} is an agent: it starts runs and asks, and neither reads the inbox nor decides."
            raise ProblemError(code="not_allowed", detail=detail)
        self.check(caller)
        return caller

    def check(self, caller: Caller) -> None:
        """Refuses who has none of the roles.

        Raises:
            ProblemError: `not_allowed`.
        """
        if caller.has(*self.roles):
            return
        wanted = " or ".join(self.roles)
        raise ProblemError(code="not_allowed", detail=f"{caller.id} has not the role {wanted}.", roles=list(self.roles))


def _is_for_agents(request: Request) -> bool:
    row = row_of(request.method, request.scope["route"].path)
    return row is not None and row.agents


class AllowAll(Allow):
    """Lets in who is signed in, also without any role."""

    @property
    def who(self) -> Who:
        """Whom it lets in, in the words of the table."""
        return "signed in"

    def check(self, caller: Caller) -> None:
        """Refuses nobody."""


class Public:
    """Lets everybody in, also without a key."""

    who: Final[Who] = "anybody"

    async def __call__(self) -> None:
        """Does nothing: the endpoint says in its signature that it is open."""


class Body:
    """Reads the body as a model.

    Attributes:
        model: What OpenAPI says of it.
        may_be_empty: Whether no body counts as an empty object.
    """

    def __init__(
        self,
        model: type[BaseModel],
        shape: Callable[[JsonValue], Any] | None = None,
        *,
        may_be_empty: bool = False,
    ) -> None:
        self.model = model
        self.may_be_empty = may_be_empty
        self._shape = shape

    async def __call__(self, request: Request, _caller: Annotated[Caller, Depends(signed_in)]) -> Any:  # noqa: ANN401 - the model
        """Returns the body.

        Raises:
            ProblemError: `malformed_json` or `invalid_request`.
        """
        body: bytes = request.state.body
        return await asyncio.to_thread(self._read, body) if len(body) > AT_ONCE else self._read(body)

    def _read(self, body: bytes) -> Any:  # noqa: ANN401 - the model
        value = parse_body(body, may_be_empty=self.may_be_empty)
        return self._shape(value) if self._shape else shaped(self.model, value)


SignedIn = Annotated[Caller, Depends(Allow(*EVERY))]
"""Anybody who has a role; what they see is filtered."""
SignedInAtAll = Annotated[Caller, Depends(AllowAll(*EVERY))]
"""Who is signed in, whatever they may do."""
Requester = Annotated[Caller, Depends(Allow("requester"))]
Anybody = Annotated[None, Depends(Public())]
Gateway = Annotated[Services, Depends(services_of)]
