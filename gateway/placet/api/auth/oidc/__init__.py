"""OpenID Connect: the identity provider, its tokens, and a sign-in that goes through it."""
