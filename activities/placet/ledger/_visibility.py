"""Who sees what, as conditions of queries, so that lists, counts and streams all leave out the same.

Each is a look into an index for a row at hand, never a list of all that somebody may see.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, exists, false, or_, true

from placet.contracts.reach import SEES, relations, sees_all
from placet.ledger._shapes import Viewer
from placet.ledger._tables import approvals, approvers, events, runs


def approval_is_seen_by(viewer: Viewer) -> ColumnElement[bool]:
    """Returns the condition on a row of `approvals`."""
    if sees_all(viewer.roles):
        return true()
    own = _is_requester(viewer, approvals.c.requester)
    return or_(own, approval_names(viewer))


def run_is_seen_by(viewer: Viewer) -> ColumnElement[bool]:
    """Returns the condition on a row of `runs`: their own, or one with an approval that names them."""
    if sees_all(viewer.roles):
        return true()
    named = exists().where(approvals.c.run_id == runs.c.id, approval_names(viewer))
    return or_(_is_requester(viewer, runs.c.requester), named)


def event_is_seen_by(viewer: Viewer) -> ColumnElement[bool]:
    """Returns the condition on a row of `events`: an approval's goes by the approval, else by the run."""
    of_approval = events.c.type.startswith("approval.")
    approval = exists().where(approvals.c.id == events.c.approval_id, approval_is_seen_by(viewer))
    run = exists().where(runs.c.id == events.c.run_id, run_is_seen_by(viewer))
    return or_(and_(of_approval, approval), and_(~of_approval, run))


def _is_requester(viewer: Viewer, requester: ColumnElement[str | None]) -> ColumnElement[bool]:
    return requester == viewer.user_id if "own" in relations(SEES, viewer.roles) else false()


def approval_names(viewer: Viewer) -> ColumnElement[bool]:
    """Returns whether a row of `approvals` names the viewer among its approvers."""
    if "named" not in relations(SEES, viewer.roles):
        return false()
    of_it = approvers.c.approval_id == approvals.c.id
    named = exists().where(of_it, approvers.c.name.in_(viewer.names))
    the_requester = exists().where(of_it, approvers.c.name == "requester")
    return or_(named, and_(approvals.c.requester == viewer.user_id, the_requester))
