"""Runs as clients know them: what happens from a message or an answer to the next wait."""
