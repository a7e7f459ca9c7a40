"""Whether the gateway lives, and whether what it needs does."""
