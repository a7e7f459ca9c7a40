"""The bodies of the activities: everything of a run that touches the world."""

from placet.effects._effects import Effects

__all__ = ["Effects"]
