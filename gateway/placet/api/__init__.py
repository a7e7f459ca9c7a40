"""The gateway: people and programs ask and decide over HTTP."""
