"""The fixtures of all tests; see the tables in `placet_testing.servers` and `placet_testing.deployments`."""

from hypothesis import settings

pytest_plugins = ["placet_testing.servers", "placet_testing.deployments"]

# Machines that run tests are shared: no clock fails one.
settings.register_profile("placet", deadline=None, print_blob=True)
settings.load_profile("placet")
