"""What a tool may know of its call, in LangChain's own form: tools import nothing of ours."""

from __future__ import annotations

from typing import Any

from placet.contracts.runs import CallRef


def call_facts(call: CallRef, again: int, approval_id: str | None, approver: str | None) -> dict[str, Any]:
    """Returns the metadata with which a tool is called.

    Args:
        call: The call.
        again: How often a person said that it is to be run again: that is another run, and has another key.
        approval_id: What lets it run, if anything had to.
        approver: Who approved it.
    """
    return {
        "placet_run_id": call.run_id,
        "placet_call_id": call.call_id,
        "placet_idempotency_key": f"{call.run_id}/{call.turn}/{call.index}/{again}/{call.release}",
        "placet_approval_id": approval_id,
        "placet_approver": approver,
    }
