"""From placet.yaml to agents: models, tools, graphs."""
