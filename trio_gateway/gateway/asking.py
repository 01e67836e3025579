"""What clients send is shown to the application that embeds the gateway, and its answer becomes JSON."""

from __future__ import annotations

import msgspec

from trio_gateway.broker.checks import UNREADABLE
from trio_gateway.gateway.hooks import ClientMessage, OnMessage
from trio_gateway.model.channel import inbox_of
from trio_gateway.model.commands import Call, Message, Publish, Send
from trio_gateway.model.errors import InvalidData
from trio_gateway.session.client import Client


async def ask(hook: OnMessage, client: Client, asked: Message | Call | Send | Publish) -> bytes | None:
    """Hand what the client sent to the application; answers JSON text, None where it returned None.

    Raises InvalidData for data that can't be decoded, and whatever the application raises.
    """
    answer = await hook(client, _client_message(asked))
    return None if answer is None else msgspec.json.encode(answer)


def _client_message(asked: Message | Call | Send | Publish) -> ClientMessage:
    try:
        data = msgspec.json.decode(asked.data)
    except UNREADABLE as error:
        raise InvalidData(str(error)) from None
    match asked:
        case Message():
            return ClientMessage("message", data)
        case Call():
            return ClientMessage("call", data, method=asked.method)
        case Send():
            return ClientMessage("send", data, inbox_of(asked.to), asked.id)
        case Publish():
            return ClientMessage("publish", data, asked.channel, asked.id)
