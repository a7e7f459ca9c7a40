"""Signing in a command line."""
