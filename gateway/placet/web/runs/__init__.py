"""Runs: how far each is, what it said and did, and what it waits for."""
