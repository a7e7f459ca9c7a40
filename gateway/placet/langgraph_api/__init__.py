"""The surface by which LangGraph's clients start runs and decide: a translation of `/v1`, and nothing beside it."""

from placet.langgraph_api.app import routers

__all__ = ["routers"]
