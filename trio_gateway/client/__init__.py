"""Floor 3: a client of the gateway, over the plain protocol, on Trio.

    async with connect("ws://127.0.0.1:8000", user="7", device="phone") as inbox:
        async for message in inbox:
            print(message)

values.py     what comes out               link.py         one connection, reader and writer
errors.py     what goes wrong              connector.py    one connection after the other
address.py    arguments to a request       delivery.py     what outlives a connection:
dial.py       a stream to the server           progress.py   how far each channel was taken
socket.py     the WebSocket                    cursor.py     what is processed and acknowledged
refusal.py    HTTP answers that are no         buffer.py     what is read and not handed out
frames.py     the protocol's texts         outstanding.py  requests and their answers
backoff.py    how long to stay away        inbox.py        what the application holds
flat_nursery.py  errors come out bare      connect.py      the way in
"""

from trio_gateway.client.connect import connect
from trio_gateway.client.errors import ConnectionEnded, OutcomeUnknown, ServerUntrusted, UpgradeRefused
from trio_gateway.client.inbox import Inbox
from trio_gateway.client.values import Received, ReceivedGap, ReceivedMessage

__all__ = [
    "ConnectionEnded",
    "Inbox",
    "OutcomeUnknown",
    "Received",
    "ReceivedGap",
    "ReceivedMessage",
    "ServerUntrusted",
    "UpgradeRefused",
    "connect",
]
