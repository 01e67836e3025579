"""What the application holds: an iterator over everything received, and requests that answer once."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
import trio

from trio_gateway.client.address import MAX_CHANNEL_BYTES, read_since
from trio_gateway.client.backoff import Backoff
from trio_gateway.client.connector import Connector
from trio_gateway.client.delivery import Delivery
from trio_gateway.client.errors import OutcomeUnknown, request_error
from trio_gateway.client.frames import Error, Ok
from trio_gateway.client.link import start_of, subscribe_request
from trio_gateway.client.outstanding import Request
from trio_gateway.client.progress import ChannelProgress
from trio_gateway.client.values import Received
from trio_gateway.model import codes
from trio_gateway.model.channel import check_channel
from trio_gateway.model.errors import AlreadySubscribed, BadRequest
from trio_gateway.model.json_data import encode_json
from trio_gateway.model.position import Position
from trio_gateway.model.user import check_user_id

REQUEST_SECONDS = 5.0
"""For a request with all its repetitions."""


class Inbox:
    """Iterate over the messages of one user, and send to others; made by `connect`.

    One task iterates; any number of others may send, publish and subscribe meanwhile.
    """

    def __init__(self, connector: Connector, delivery: Delivery, *, device: str | None, by_hand: bool) -> None:
        self._connector = connector
        self._delivery = delivery
        self._device = device
        self._by_hand = by_hand
        self._handed_out: Received | None = None
        self._iterating = _OneAtATime()

    def __aiter__(self) -> Inbox:
        return self

    async def __anext__(self) -> Received:
        """Hand out the next message or gap; asking for it says that the one before is processed.

        Raises ConnectionEnded, or the error that refused us, after the last message that had come by then.
        """
        with self._iterating:
            self._processed_last()
            self._handed_out = await self._delivery.buffer.get()
            return self._handed_out

    async def ack(self, received: Received) -> None:
        """Say that everything in the inbox up to and including this is processed, and need not come again.

        Only inboxes have cursors: messages of other channels may be passed, and nothing happens. The
        server is told within 0.2 seconds, or when the block is left. Raises BadRequest without a device.
        """
        if self._device is None:
            raise BadRequest("an acknowledgement moves the cursor of a device: pass device=… to connect")
        self._delivery.acknowledge(received)
        await trio.lowlevel.checkpoint()

    async def send(self, user: str, data: Any, id: str | None = None) -> int:
        """Send JSON-able data into a user's inbox; answers the offset there once it is stored.

        Repeated with the same id (one is made up if none is given) until answered, so it takes effect
        once. Raises OutcomeUnknown after 5 seconds without an answer, InvalidData for what JSON can't
        say, PermissionDenied and the other errors of the model when the server refuses.
        """
        return await self._publish("send", id, to=check_user_id(user), data=data)

    async def publish(self, channel: str, data: Any, id: str | None = None) -> int:
        """Publish JSON-able data in a channel; answers its offset, 0 where nothing is kept. Raises as `send` does."""
        return await self._publish("publish", id, channel=_checked(channel), data=data)

    async def subscribe(self, channel: str, since: Position | str | None = None) -> None:
        """Receive the messages of a channel as well, after `since` (`0`: everything kept) or from now on.

        Lasts over reconnects. Raises AlreadySubscribed, PermissionDenied and the other errors of the
        model when the server refuses, OutcomeUnknown after 5 seconds without an answer.
        """
        channels = self._delivery.progress.channels
        if _checked(channel) in channels:
            raise AlreadySubscribed(f"already subscribed to {channel!r}")

        def begin(ok: Ok) -> None:
            channels[channel] = ChannelProgress(start_of(ok))

        await self._request(subscribe_request(channel, read_since(since), begin))

    async def unsubscribe(self, channel: str) -> None:
        """Receive no more of a channel; what was read before is still handed out.

        Raises BadRequest when the channel is not subscribed, OutcomeUnknown as `subscribe` does.
        """
        if self._delivery.progress.channels.pop(channel, None) is None:
            raise BadRequest(f"not subscribed to {channel[:80]!r}")
        await self._request(Request("unsubscribe", {"channel": channel}, stateful=True))

    def finish(self) -> None:
        """Count the message handed out last as processed: the block was left without an error."""
        self._processed_last()

    def _processed_last(self) -> None:
        last, self._handed_out = self._handed_out, None
        if last is not None and self._device is not None and not self._by_hand:
            self._delivery.acknowledge(last)

    async def _publish(self, type: str, id: str | None, *, data: Any, **fields: object) -> int:
        id = id or uuid.uuid4().hex
        encoded = msgspec.Raw(encode_json(data))
        ok = await self._request(Request(type, {**fields, "data": encoded, "id": id}, id=id))
        return ok.offset or 0

    async def _request(self, request: Request) -> Ok:
        backoff = Backoff()
        with trio.move_on_after(REQUEST_SECONDS):
            while True:
                link = await self._connector.open_link()
                answer = await link.ask(request)
                if isinstance(answer, Ok):
                    return answer
                if isinstance(answer, Error):
                    if answer.code != codes.INTERNAL_ERROR.code:
                        raise request_error(answer.code, answer.reason)
                    await trio.sleep(backoff.next())
        raise OutcomeUnknown(request.type, request.id)


class _OneAtATime:
    """Refuse a second task that iterates: asking for the next says that the last one is processed."""

    def __init__(self) -> None:
        self._busy = False

    def __enter__(self) -> None:
        if self._busy:
            raise trio.BusyResourceError("another task iterates over this inbox; let one iterate and hand out work")
        self._busy = True

    def __exit__(self, *_exception: object) -> None:
        self._busy = False


def _checked(channel: str) -> str:
    return check_channel(channel, max_bytes=MAX_CHANNEL_BYTES)
