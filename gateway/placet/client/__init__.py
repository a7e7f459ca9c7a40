"""The typed Python client of the gateway."""
