"""A published SDK in a process of its own, and its clients as a test sees them: it tells them what to do, and awaits what happens.

A driver listens on a Unix socket; each link to it is one client. A test says `{"number": 1, "do":
"publish", …}` and is answered `{"number": 1, "result": …}` or an `error` with its code; whatever the SDK
tells its application comes as `{"event": "publication", "channel": …, …}`. Fields are named as in the SDK
for Python, and channels that the server subscribes to are told of as the others are.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import trio
from e2e.gateway_process import PATIENCE, until
from programs import find_program, lacking

from trio_gateway import public

FOLDER = Path(__file__).parent
JAVASCRIPT = FOLDER / "javascript"


class SdkError(Exception):
    """What the SDK said when a call failed; `code` is the server's, or the SDK's own."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


class Driver:
    """Run one SDK; `name` is that of its language, `transport` what it goes over where that is no WebSocket."""

    def __init__(self, name: str, command: Sequence[object], arguments: Sequence[str] = ()) -> None:
        self.name = name
        self.transport = "".join(arguments)
        self._folder = tempfile.TemporaryDirectory(prefix="tg-")  # a socket's path has at most 107 bytes
        self._socket = Path(self._folder.name) / "driver"
        self._process = subprocess.Popen([*map(str, command), str(self._socket), *arguments], stdin=subprocess.DEVNULL)

    async def open(self, nursery: trio.Nursery) -> SdkClient:
        """Make a client that has done nothing yet; it is read from in the nursery."""
        client = SdkClient(await until(self._dial))
        nursery.start_soon(client.listen)
        return client

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    async def _dial(self) -> trio.SocketStream | None:
        assert self._process.poll() is None, f"the driver for {self.name} has ended"
        try:
            return await trio.open_unix_socket(str(self._socket))
        except (FileNotFoundError, ConnectionRefusedError):
            return None  # it does not listen yet


def python_driver() -> Driver:
    """Run the SDK for Python; skips or fails the test where it is not there."""
    if find_spec("centrifuge") is None:
        lacking("centrifuge-python is not installed: `nox -s sdk` does it")
    return Driver("python", [sys.executable, FOLDER / "python_driver.py"])


def javascript_driver(transport: str = "") -> Driver:
    """Run the SDK for JavaScript, over another transport than WebSocket where one is named.

    Skips or fails the test where Node or the SDK is not there.
    """
    node = find_program("node")
    if not (JAVASCRIPT / "node_modules").exists():
        lacking("the SDK for JavaScript is not installed: `nox -s sdk` does it")
    return Driver("javascript", [node, JAVASCRIPT / "driver.js"], [transport] if transport else [])


def plain_driver(*, websocket: bool) -> Driver:
    """Run our own JavaScript client, as the gateway carries it; skips or fails the test where there is no Node."""
    node = find_program("node")
    # Since Node 22 the flag is no news.
    options = ("--experimental-websocket" if websocket else "--no-experimental-websocket", "--no-warnings")
    return Driver(
        "our JavaScript",
        [node, *options, JAVASCRIPT / "plain_driver.js", Path(public.__file__).with_name("client.js")],
    )


class SdkClient:
    """Hold one client of an SDK; `events` are those that nobody has asked for yet, oldest first."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.id = ""
        self.url = ""
        self.events: list[dict[str, object]] = []
        self._stream = stream
        self._answers: dict[int, dict[str, object]] = {}
        self._asked = 0
        self._asking = trio.StrictFIFOLock()
        self._told = trio.Event()

    async def listen(self) -> None:
        """Read what the driver says until it ends; with this the client leaves."""
        rest = b""
        async with self._stream:
            async for data in self._stream:
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self._take(json.loads(line))

    async def ask(self, do: str, **arguments: object) -> object:
        """Have something done, and give its result; raises SdkError."""
        self._asked += 1
        number = self._asked
        async with self._asking:
            await self._stream.send_all(json.dumps({"number": number, "do": do, **arguments}).encode() + b"\n")
        await self._until(lambda: number in self._answers, f"an answer to {do}")
        answer = self._answers.pop(number)
        if "error" in answer:
            raise SdkError(**answer["error"])
        return answer["result"]

    async def event(self, name: str, channel: str = "", **fields: object) -> dict[str, object]:
        """Take the first event of this name and channel that has these fields; waits until there is one."""
        wanted = {"event": name, "channel": channel, **fields}
        await self._until(lambda: self._find(wanted), f"{wanted}")
        event = self._find(wanted)
        self.events.remove(event)
        return event

    async def publications(self, channel: str, count: int) -> list[object]:
        """Take the data of the next publications of a channel."""
        return [(await self.event("publication", channel))["data"] for _ in range(count)]

    def seen(self, name: str, channel: str = "") -> list[dict[str, object]]:
        """List the events of this name and channel that nobody has taken yet."""
        return [each for each in self.events if (each["event"], each["channel"]) == (name, channel)]

    async def connect(
        self, url: str, *tokens: str | None, data: object = None, emulation: str | None = None
    ) -> SdkClient:
        """Connect, without waiting until it is done; the SDK is given the tokens as it asks for them.

        Over a stream its commands go where `emulation` is, the URL of another node perhaps.
        """
        self.url = url
        more = {} if emulation is None else {"emulation": emulation}
        await self.ask("connect", url=url, tokens=tokens, data=data, **more)
        return self

    async def connected(self) -> SdkClient:
        """Wait until the client is connected (once more)."""
        self.id = (await self.event("connected"))["client"]
        return self

    async def subscribe(
        self, channel: str, *tokens: str | None, states: Sequence[dict[str, object]] = (), **wishes: object
    ) -> dict[str, object]:
        """Subscribe, and give what the client is told of it.

        `states` are the positions of what an application reads by itself, each time that the SDK asks it to; `filter`
        is a tags filter, and all other wishes are named as in the SDKs.
        """
        await self.ask("subscribe", channel=channel, tokens=tokens, states=states, **wishes)
        return await self.event("subscribed", channel)

    async def refused(self, channel: str, *tokens: str | None) -> dict[str, object]:
        """Subscribe where that is refused, and give what the client is told of it."""
        await self.ask("subscribe", channel=channel, tokens=tokens, states=())
        return await self.event("unsubscribed", channel)

    async def publish(self, channel: str, data: object) -> None:
        await self.ask("publish", channel=channel, data=data)

    async def history(self, channel: str, limit: int = 0, *, since: object = None, reverse: bool = False) -> object:
        return await self.ask("history", channel=channel, limit=limit, since=since, reverse=reverse)

    async def close(self) -> None:
        """Let the client leave, and its link to the driver end."""
        await self._stream.send_eof()

    def _take(self, said: dict[str, object]) -> None:
        if "event" in said:
            self.events.append(said)
        else:
            self._answers[said["number"]] = said
        self._told.set()
        self._told = trio.Event()

    def _find(self, wanted: dict[str, object]) -> dict[str, object] | None:
        return next((each for each in self.events if wanted.items() <= each.items()), None)

    async def _until(self, condition, what: str) -> None:
        with trio.move_on_after(PATIENCE):
            while not condition():
                await self._told.wait()
        assert condition(), f"there was no {what}; there were {self.events}"
