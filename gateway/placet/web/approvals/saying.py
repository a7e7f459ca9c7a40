"""From a form to a decision: what a person said, in the words of the API."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from placet.api.bodies import invalid_request
from placet.contracts.canonical import MalformedJsonError, parse_object
from placet.contracts.decisions import DecisionBody
from placet.contracts.questions import AnswerBody
from placet.contracts.secrets import StrayMaskError, masked, restored, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from placet.contracts.approvals import Approval
    from placet.web.posted import Posted


_TYPED: Final = ("message", "args", "t:", "v:")
"""How the names of fields begin that hold what was typed."""
NO_SECRETS: Final[Mapping[str, Any]] = MappingProxyType({})
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


def body_of(approval: Approval, posted: Posted, secrets: Mapping[str, Any]) -> DecisionBody:
    """Returns the decision that a form holds.

    Args:
        approval: What it is about.
        posted: The form.
        secrets: What was typed into it before and is sealed in it, by pointer.

    Raises:
        ProblemError: `invalid_request`: its arguments are no JSON object.
    """
    kind = posted.one("type")
    return DecisionBody(
        type=kind,
        digest=posted.one("digest"),
        message=posted.text("message") if kind in {"reject", "respond"} else None,
        args=_args(approval, posted, secrets) if kind == "edit" else None,
        answers=answers_of(approval, posted) if kind == "answer" else None,
        card_digest=_card(posted),
    )


def typed_text(posted: Posted) -> str | None:
    """Returns all that somebody typed into a form, to be shown to them where it does not count; but for secrets."""
    secrets = typed_secrets(posted)
    found = [(name, posted.text(name)) for name in posted.fields if name.startswith(_TYPED) and name not in secrets]
    said = [(name.partition(":")[2], text) for name, text in found if text]
    if not said:
        return None
    return "\n".join(f"{name}: {text}" if name and len(said) > 1 else text for name, text in said)


def typed_secrets(posted: Posted) -> set[str]:
    """Returns the names of the fields into which somebody typed a secret: no page holds it."""
    return {name for name in (f"v:{pointer}" for pointer in posted.all("secret")) if posted.one(name)}


def answers_of(approval: Approval, posted: Posted) -> dict[str, AnswerBody]:
    """Returns the answers of a form; a question that got none is left out, and refused where all are read."""
    found: dict[str, AnswerBody] = {}
    for question in approval.questions:
        name = question.id or ""
        options = tuple(dict.fromkeys(posted.all(f"a:{name}")))
        text = posted.text(f"t:{name}")
        if options or text:
            found[name] = AnswerBody(options=tuple(option for option in options if option), text=text)
    return found


def _card(posted: Posted) -> str | None:
    """Returns the digest of the card that the form stood on; the decision counts without one, too."""
    given = posted.one("card_digest")
    return given if _DIGEST.fullmatch(given) else None


def args_of(approval: Approval, text: str, secrets: Mapping[str, Any] = NO_SECRETS) -> dict[str, JsonValue]:
    """Returns arguments that were typed as JSON; a mask that was left in them is the secret that it hides.

    Raises:
        MalformedJsonError: It is no JSON object.
        StrayMaskError: A mask hides nothing.
    """
    return restored(told(parse_object(text), secrets), approval.args, masked(approval.args, approval.args_schema))


def _args(approval: Approval, posted: Posted, secrets: Mapping[str, Any]) -> dict[str, JsonValue]:
    try:
        return args_of(approval, posted.one("args"), secrets)
    except StrayMaskError as error:
        raise invalid_request([{"pointer": "/args", "message": str(error)}]) from error
    except MalformedJsonError as error:
        raise invalid_request([{"pointer": "/args", "message": f"is no JSON object: {error}"}]) from error
