"""The fixtures of `placet_testing.sites`: an app over a real ledger and a Temporal in memory."""

from placet_testing.sites import ledger, local_site, make_site, migrated, site

__all__ = ["ledger", "local_site", "make_site", "migrated", "site"]
