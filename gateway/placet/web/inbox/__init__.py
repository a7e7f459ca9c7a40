"""The list: what waits, what has been decided; and deciding on several at a time."""
