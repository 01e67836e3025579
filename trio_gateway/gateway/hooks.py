"""Hooks are plain async functions of the application that embeds the gateway.

A hook that raises a RequestError refuses, and nothing happened; one that raises Disconnected ends the
connection with its code. Any other exception is a fault of the application: the connection ends with
3004 and the traceback is logged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal

import attrs

from trio_gateway.model.user import User
from trio_gateway.session.client import Client
from trio_gateway.wire.request import Request


@attrs.frozen
class ClientMessage:
    """Carry what a client sent to the application.

    `type` is "message" for a frame meant for the application alone, "send" or "publish" for a
    publication that is stored after the hook returned, "call" for a call of a `method` (an SDK's rpc).
    `data` is decoded JSON. `channel` is where a publication goes (an inbox for "send"), empty otherwise.
    `id` is the client's own, or empty.
    """

    type: Literal["message", "send", "publish", "call"]
    data: Any
    channel: str = ""
    id: str = ""
    method: str = ""


Authenticate = Callable[[Request], Awaitable[User]]
OnMessage = Callable[[Client, ClientMessage], Awaitable[Any]]


@attrs.frozen(kw_only=True)
class Hooks:
    """Name the application's own functions.

    `authenticate(request) -> User` replaces tokens: it raises Unauthorized to refuse the request with 401.
    `on_message(client, message)` takes what clients send; what it returns (JSON-able, or None) becomes the
    `data` of the answer. For "send" and "publish" it runs before the publication is stored, after the
    settings allowed it: it can refuse, not permit.
    """

    authenticate: Authenticate | None = None
    on_message: OnMessage | None = None
