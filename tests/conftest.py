"""The fixtures of all tests; see the tables in `placet_testing.servers` and `placet_testing.deployments`."""

pytest_plugins = ["placet_testing.servers", "placet_testing.deployments"]
