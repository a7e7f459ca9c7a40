"""Browsers that tests steer as people do, and what they look at."""
