"""The workflows, and the gate that they wrap."""
