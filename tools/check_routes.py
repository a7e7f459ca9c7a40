"""Checks that every route of the gateway has a row that says who may call it."""

from __future__ import annotations

import sys

from placet.api import create_app
from placet.api.authorisation import UnruledRouteError
from placet.contracts.config import Config
from placet.engine.settings import Settings


def main() -> int:
    """Makes the app, which refuses a route without a row; 1 where it does."""
    try:
        create_app(Settings(), Config())
    except UnruledRouteError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
