"""Rules, matching and verdicts: pure functions."""
