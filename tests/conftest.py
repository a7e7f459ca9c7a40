"""The fixtures of all tests; see the tables in `placet_testing.servers` and `placet_testing.deployments`."""

import signal

import pytest
from hypothesis import settings

from placet.engine.memory import keep_for_good

# Where what tests share asserts, a failure tells the values too.
pytest.register_assert_rewrite("placet_testing")

pytest_plugins = ["placet_testing.servers", "placet_testing.deployments", "placet_testing.faults.besieged"]

# Machines that run tests are shared: no clock fails one.
settings.register_profile("placet", deadline=None, print_blob=True)
settings.load_profile("placet")


def pytest_configure() -> None:
    """Lets the programs that tests start hear Ctrl-C, which a shell ignores for what it runs in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Looks for garbage among what tests make, and not in every module and test that is loaded."""
    keep_for_good()
