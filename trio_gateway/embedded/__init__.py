"""Floor 2: a private Valkey next to the gateway, so that a fresh machine needs nothing but pip.

It is a real server in a process of its own: what runs here is what runs in production, only smaller.
"""
