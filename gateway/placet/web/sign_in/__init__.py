"""The page where people sign in."""
