"""Redis (7 or later) or Valkey as the store, reached natively on Trio.

keys.py              key names                              address.py     a URL, and a stream to it
functions/           Lua: what happens at one moment        link.py        one pipelined connection while it lives
function_library.py  loads the functions                    handshake.py   what a server must be
refusals.py          function errors -> our errors          connection.py  commands, over reconnects
errors.py            error replies -> redis-py's errors     calls.py       functions, loaded where they are missing
entries.py           hints and entries -> publications      feed.py        hints, over reconnects
owner.py             whose prefix it is                     probe.py       health, measured end to end
presence.py          who is in the channels                 broker.py      the Broker made of all these
"""
