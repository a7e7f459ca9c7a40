"""The fixtures of all tests; see the table in `placet_testing.servers`."""

pytest_plugins = ["placet_testing.servers"]
