"""Deciding on several approvals by one form: each for itself, each with its own result."""
