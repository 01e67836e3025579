"""A real-time gateway next to Redis, on Trio.

The folders are the floors of the design; imports go down only:

    model/       0  values without I/O: positions, publications, channel names, codes, errors
    settings/    1  the operator's options
    wire/        1  bytes and text without I/O: frames, the upgrade request, the plain codec
    session/     2  one client's state without I/O: identity, permissions, commands to effects
    broker/      2  the seam to the store; memory and Redis behind it
    publisher/   2  publishing from a back end, synchronous or on Trio
    client/      2  a client of the gateway, on Trio
    hub/         3  topics, tails, cursors, fan-out
    gateway/     4  sockets, connections, the server, the drain
    admin/       4  the operations server: health and the page to try it
    embedded/    5  a private Valkey as a child process
    supervisor   5  the nursery tree
    cli/         6  the command line
"""
