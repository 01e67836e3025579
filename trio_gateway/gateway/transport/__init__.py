"""How a client's connection goes over its socket, and how it ends."""
