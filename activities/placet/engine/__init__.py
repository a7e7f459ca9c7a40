"""Temporal: finding it, starting it, connecting to it."""
