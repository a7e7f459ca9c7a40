"""The billing desk's scripted model; a real one needs one changed line in placet.yaml."""

from __future__ import annotations

from pathlib import Path

from placet.agents.scripted import ScriptedChatModel


def scripted() -> ScriptedChatModel:
    """Returns the model that follows script.yaml."""
    return ScriptedChatModel.from_yaml(Path(__file__).with_name("script.yaml"))
