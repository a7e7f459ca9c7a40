"""The digest of a card: what a person had before them when they decided, so that it can be told a year later.

It covers everything that the card says, and nothing that changes while it is looked at: not the status, and not how
much of a long value was unfolded. So the web inbox and the command line give the same one, and whoever reads the
ledger can compute it again. `VERSION` changes when the same approval is shown with other words or rows.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from placet.cards.view import edited, view

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placet.cards.view import ApprovalView
    from placet.contracts.approvals import Approval

VERSION: Final = 2
_CHANGES: Final = frozenset({"status", "intact"})
_FOLDED: Final = frozenset({"shown", "pieces", "hidden"})


def card_digest(card: ApprovalView) -> str:
    """Returns `sha256:` of what the card says: as JSON, with sorted names, in ASCII and without blanks."""
    said = {name: value for name, value in asdict(card).items() if name not in _CHANGES}
    for rows in ("rows", "context"):
        said[rows] = [_unfolded(row) for row in said[rows]]
    text = json.dumps({"version": VERSION, **said}, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def digest_of_card(approval: Approval, args: Mapping[str, Any] | None = None) -> str:
    """Returns the digest of an approval's card; of the one that shows an edit, where there are arguments."""
    return card_digest(view(approval) if args is None else edited(approval, args))


def _unfolded(row: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name not in _FOLDED}
