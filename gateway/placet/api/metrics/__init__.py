"""What the gateway counts, and who may read it."""
