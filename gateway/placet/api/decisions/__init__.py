"""What people say: one decision, or a list of them."""
