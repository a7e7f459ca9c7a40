"""How people and programs prove who they are: keys, sessions, the identity provider, accounts."""
