"""What is asked of people: ask, list, read, wait, withdraw."""
