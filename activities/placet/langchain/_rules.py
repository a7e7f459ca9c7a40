"""From the configuration of LangChain's own middleware to Placet's policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from langchain.agents.middleware import HumanInTheLoopMiddleware

from placet.contracts.decisions import CALL_DECISIONS


class UntranslatableError(ValueError):
    """A part of `interrupt_on` is code, and a rule of policy has none.

    Attributes:
        tool: Whose configuration it is.
    """

    def __init__(self, tool: str, what: str) -> None:
        self.tool = tool
        super().__init__(
            f"The `{what}` of {tool} is a function: write what it tests as the `when` of a rule, an expression"
            " over args, or what it says as the function of a rule's `describe`."
        )


def policy_of(middleware: HumanInTheLoopMiddleware[Any, Any, Any]) -> dict[str, Any]:
    """Returns what `policy` has to say in `placet.yaml`, so that the same calls ask with the same decisions.

    Tools that the middleware does not name run at once, as they did there: `mode: bypass`. Leave that out, and they
    ask.

    Raises:
        UntranslatableError: Whether a tool asks, or what it says, is decided by a function.
    """
    rules = [_rule(tool, cast("Mapping[str, Any]", said)) for tool, said in middleware.interrupt_on.items()]
    return {"mode": "bypass", "rules": rules}


def _rule(tool: str, said: Mapping[str, Any]) -> dict[str, Any]:
    for code in ("when", "description"):
        if callable(said.get(code)):
            raise UntranslatableError(tool, code)
    decisions = [one for one in CALL_DECISIONS if one in said["allowed_decisions"]]
    rule: dict[str, Any] = {"name": f"{tool} asks", "tool": tool, "effect": "ask", "decisions": decisions}
    return {**rule, "reason": said["description"]} if said.get("description") else rule
