"""The Python SDK behind a Unix socket: each link to it is one client, which is told what to do, and tells what happens.

Run as `python python_driver.py SOCKET`. driving.py has the other end, and says what goes over it;
javascript/driver.js does the same with the SDK for JavaScript.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys

from centrifuge import Client, DeltaType, Publication, StreamPosition, UnauthorizedError
from centrifuge.codecs import _JsonCodec
from centrifuge.exceptions import ReplyError
from centrifuge.filter import FilterNode

FIRST_DELAY, LAST_DELAY = 0.05, 0.5
"""Seconds; the SDK's own would make tests wait."""

LINE_BYTES = 2**24


class Conversation:
    """Hold one client, and the two directions of its link."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._client: Client | None = None
        self._over = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        try:
            while line := await self._reader.readline():
                task = asyncio.create_task(self._carry_out(json.loads(line)))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        except ConnectionError:
            pass
        finally:
            self._over.set()
            self._writer.close()
            for task in self._tasks:
                task.cancel()
            if self._client is not None:
                await self._client.disconnect()

    def say(self, **words: object) -> None:
        if not self._writer.is_closing():
            self._writer.write(json.dumps(words).encode() + b"\n")

    async def _carry_out(self, asked: dict[str, object]) -> None:
        number, do = asked.pop("number"), asked.pop("do")
        try:
            result = await getattr(self, do)(**asked)
        except ReplyError as error:
            self.say(number=number, error={"code": error.code, "message": error.message})
        except Exception as error:  # noqa: BLE001 (whatever it is, the test is told)
            self.say(number=number, error={"code": 0, "message": repr(error)})
        else:
            self.say(number=number, result=plain(result))

    async def connect(self, url: str, tokens: list[str | None], data: object = None) -> None:
        if self._client is None:
            self._client = Client(
                url,
                Events(self),
                get_token=self._tokens("", tokens) if tokens else None,
                data=data,
                min_reconnect_delay=FIRST_DELAY,
                max_reconnect_delay=LAST_DELAY,
                proxy=None,
            )
        await self._client.connect()

    async def disconnect(self) -> None:
        await self._client.disconnect()

    async def hurry(self, times: int, channel: str = "") -> None:
        """Begin and end a subscription, or the whole connection, so many times without waiting for anything."""
        subscription = self._client.get_subscription(channel)
        begin = subscription.subscribe if subscription else self._client.connect
        end = subscription.unsubscribe if subscription else self._client.disconnect
        for _ in range(times):
            await begin()
            await end()

    async def subscribe(
        self,
        channel: str,
        tokens: list[str | None],
        states: list[dict[str, object]],
        delta: str = "",
        filter: dict[str, object] | None = None,
        **wishes: bool,
    ) -> None:
        subscription = self._client.get_subscription(channel) or self._client.new_subscription(
            channel,
            Events(self, channel),
            get_token=self._tokens(channel, tokens) if tokens else None,
            get_state=self._states(states) if states else None,
            min_resubscribe_delay=FIRST_DELAY,
            max_resubscribe_delay=LAST_DELAY,
            delta=DeltaType(delta) if delta else None,
            tags_filter=FilterNode(filter) if filter else None,
            **wishes,
        )
        await subscription.subscribe()

    async def decode(self, publications: list[dict[str, object]]) -> list[str]:
        """Apply publications that get deltas to each other as a subscription does; gives the JSON of each one's data."""
        data, base = [], b""
        for each in publications:
            publication = Publication(0, each["data"], None, {}, each.get("delta", False))
            decoded, base = _JsonCodec.apply_delta_if_needed(base, publication)
            data.append(json.dumps(decoded))
        return data

    async def unsubscribe(self, channel: str) -> None:
        await self._client.get_subscription(channel).unsubscribe()

    async def publish(self, channel: str, data: object) -> None:
        await self._client.publish(channel, data)

    async def history(self, channel: str, limit: int, since: dict[str, object] | None, reverse: bool) -> object:
        return await self._client.history(channel, limit, since and StreamPosition(**since), reverse)

    async def presence(self, channel: str) -> object:
        return (await self._client.presence(channel)).clients

    async def presence_stats(self, channel: str) -> object:
        return await self._client.presence_stats(channel)

    async def rpc(self, method: str, data: object) -> object:
        return (await self._client.rpc(method, data)).data

    def _states(self, states: list[dict[str, object]]):
        """Give the positions of what an application has read by itself, one after the other."""
        left = iter(states)

        async def get_state(channel: str) -> StreamPosition:
            self.say(event="state", channel=channel)
            return StreamPosition(**next(left))

        return get_state

    def _tokens(self, channel: str, tokens: list[str | None]):
        """Give the tokens one after the other; None never comes, and when all were given the SDK may have none."""
        left = iter(tokens)

        async def get_token(_channel: str = "") -> str:
            token = next(left, "")
            self.say(event="token", channel=channel)
            if token is None:
                await self._over.wait()
            if not token:
                raise UnauthorizedError
            return token

        return get_token


class Events:
    """Tell of every event: the client's own, those of its server-side subscriptions, and those of one subscription."""

    def __init__(self, conversation: Conversation, channel: str = "") -> None:
        self._conversation = conversation
        self._channel = channel

    def __getattr__(self, name: str):
        async def tell(context: object) -> None:
            words = {"channel": self._channel} | plain(context)
            if name == "on_error":
                words = {"channel": self._channel, "code": context.code, "error": repr(context.error)}
            self._conversation.say(event=name.removeprefix("on_"), **words)

        if not name.startswith("on_"):
            raise AttributeError(name)
        return tell


def plain(value: object) -> object:
    """Write what the SDK gives as JSON; a publication's fields stand with those of its event."""
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        value |= plain(value.pop("pub", None)) or {}
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value if isinstance(value, str | int | float | None) else repr(value)


async def main(path: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Conversation(reader, writer).run()

    async with await asyncio.start_unix_server(serve, path, limit=LINE_BYTES) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
