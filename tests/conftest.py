"""The fixtures of all tests; see the tables in `placet_testing.servers` and `placet_testing.deployments`."""

import signal

from hypothesis import settings

pytest_plugins = ["placet_testing.servers", "placet_testing.deployments", "placet_testing.faults.besieged"]

# Machines that run tests are shared: no clock fails one.
settings.register_profile("placet", deadline=None, print_blob=True)
settings.load_profile("placet")


def pytest_configure() -> None:
    """Lets the programs that tests start hear Ctrl-C, which a shell ignores for what it runs in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
