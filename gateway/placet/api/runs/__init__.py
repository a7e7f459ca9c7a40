"""Runs of agents: start, list, read, cancel."""
