"""Local servers that speak the protocols of models' providers, and refuse what the providers refuse."""
