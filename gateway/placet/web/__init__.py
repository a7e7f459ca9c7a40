"""The web inbox: pages that the gateway serves, which find, show and decide also without JavaScript."""

from placet.web.app import routers
from placet.web.sign_in.page import sign_in_page

__all__ = ["routers", "sign_in_page"]
