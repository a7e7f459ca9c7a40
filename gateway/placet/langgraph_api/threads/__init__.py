"""Threads: made, found, read and hidden."""
