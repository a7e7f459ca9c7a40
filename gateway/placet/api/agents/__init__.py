"""The agents that a worker has published."""
