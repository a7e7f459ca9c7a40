"""The second protocol: commands to a thread, and one stream of its events across all of its runs."""
