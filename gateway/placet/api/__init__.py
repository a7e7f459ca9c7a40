"""The gateway: people and programs ask and decide over HTTP."""

from placet.api.app import create_app
from placet.api.server import serve

__all__ = ["create_app", "serve"]
