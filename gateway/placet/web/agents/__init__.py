"""Agents: their tools, and what policy says of a call."""
