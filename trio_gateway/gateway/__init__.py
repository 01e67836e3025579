"""Floor 4: sockets, connections, the client server, the drain."""
