"""Assistants: our agents."""
