"""Faults: what is done to a deployment, what people do meanwhile, and what must hold afterwards."""
