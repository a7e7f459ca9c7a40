"""What clients answer to an interrupt, in every form that is in use, as our decisions."""
