"""Identity providers for tests: one in memory that forges as it is told, and a real one."""
