"""One approval: what will run, why it is asked, and the decision."""
