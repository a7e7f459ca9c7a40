"""The web inbox: pages that the gateway serves, which find, show and decide also without JavaScript."""

from placet.web.app import routers

__all__ = ["routers"]
