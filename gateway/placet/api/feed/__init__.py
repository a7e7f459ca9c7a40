"""Live events: one follower of the log for everybody who listens to this process."""
