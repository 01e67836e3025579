"""One HTTP request that opens no connection of a client is answered by an ASGI application; h11 speaks HTTP/1.1.

Not by Hypercorn: it has no way to be given an accepted socket, and none to give one back where the next request on it
opens a stream (docs/design.md).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

import h11
import trio

from trio_gateway.gateway.transport.socket import ClientSocket
from trio_gateway.model.logger import get_logger
from trio_gateway.wire.request import HttpRequest

Message = MutableMapping[str, Any]
Application = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]
"""An ASGI 3 application; it is only ever asked for HTTP."""

REQUEST = "trio_gateway.request"
"""Where the application finds the HttpRequest, among the extensions of an ASGI scope."""

log = get_logger(__name__)


class Exchange:
    """Answer one request, whose `body` was read; `last` says that the connection ends with it."""

    def __init__(self, socket: ClientSocket, request: HttpRequest, body: bytes, *, client: str, last: bool) -> None:
        self._socket = socket
        self._request = request
        self._parser = request.parser
        self._body: bytes | None = body
        self._client = client
        self._last = last
        self._head = b""

    async def run(self, application: Application) -> bytes | None:
        """Have the application answer.

        Answers what the client sent behind the request; None where no other request may follow. Raises what the
        socket raises.
        """
        try:
            await application(self._scope(), self._receive, self._send)
        except (OSError, trio.ClosedResourceError):
            raise
        except Exception:
            log.exception("a request failed", path=self._request.path)
        if self._parser.our_state is h11.SEND_RESPONSE:
            await self._send({"type": "http.response.start", "status": 500, "headers": [(b"content-length", b"0")]})
            await self._send({"type": "http.response.body"})
        if self._parser.our_state is not h11.DONE or self._parser.their_state is not h11.DONE:
            return None
        return self._parser.trailing_data[0]

    def _scope(self) -> Message:
        request = self._request
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": request.version.decode("ascii"),
            "method": request.method,
            "scheme": "http",
            "path": unquote_to_bytes(request.path).decode("utf-8", "replace"),
            "raw_path": request.path.encode("ascii"),
            "query_string": request.target.partition("?")[2].encode("ascii"),
            "root_path": "",
            "headers": [(name.encode("ascii"), value.encode("latin-1")) for name, value in request.headers.items()],
            "client": (self._client, 0),
            "server": None,
            "extensions": {REQUEST: request},
        }

    async def _receive(self) -> Message:
        body, self._body = self._body, None
        if body is None:
            await trio.sleep_forever()  # until the answer was given, or the request's deadline passed
        return {"type": "http.request", "body": body, "more_body": False}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            # The head waits for the first piece of the body: one write for both.
            self._head = self._encode(self._response(message))
            return
        body = message.get("body", b"")
        data, self._head = self._head, b""
        if body and self._request.method != "HEAD":
            data += self._encode(h11.Data(data=body))
        if not message.get("more_body", False):
            data += self._encode(h11.EndOfMessage())
        if data:
            await self._socket.send(data)

    def _response(self, message: Message) -> h11.Response:
        status = message["status"]
        headers = [*message.get("headers", ()), (b"date", formatdate(usegmt=True).encode("ascii"))]
        if self._last:
            headers.append((b"connection", b"close"))
        return h11.Response(status_code=status, headers=headers, reason=HTTPStatus(status).phrase)

    def _encode(self, event: h11.Event) -> bytes:
        return self._parser.send(event) or b""
