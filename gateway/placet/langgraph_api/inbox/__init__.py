"""The assistant `approvals`, made for Agent Inbox: each approval is a thread of its own, whoever asked for it."""
