"""The bodies of the activities: everything a run does outside its workflow."""
