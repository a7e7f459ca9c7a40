"""MCP servers of agents. Needs the extra `mcp`; `placet.agents.mcp.connection` alone does not."""
