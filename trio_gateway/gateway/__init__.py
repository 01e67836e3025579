"""Floor 4: sockets, connections, the client server, the drain.

The folders are floors again; imports go down only, and the modules beside them stand on top:

    transport/   0  sockets, WebSockets and streams, and how they end
    http/        1  bodies, answers, and the endpoints
    admission/   2  keys, bans, places
    nodes/       3  a node and its clients, and nodes among themselves
    opening/     4  from a request to a client that has entered
    commands/    5  what clients ask, and what is done to them
    connection   6  one connection's nursery; the server around it, the drain
"""
