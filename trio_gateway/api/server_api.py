"""Every method of the API is a method here, of the same name: it takes a request and answers a result, without HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from msgspec import Raw, Struct

from trio_gateway.api import requests, results
from trio_gateway.api.answers import error_of
from trio_gateway.api.channels import Channels
from trio_gateway.api.control import Control
from trio_gateway.api.decoding import NoJson, as_written, decode
from trio_gateway.api.directing import (
    disconnect_directive,
    refresh_directive,
    subscribe_directive,
    unsubscribe_directive,
)
from trio_gateway.api.history import read_history
from trio_gateway.api.in_order import in_order
from trio_gateway.api.methods import METHODS
from trio_gateway.api.publishing import Publishing
from trio_gateway.broker.broker import Broker
from trio_gateway.model.errors import BadRequest, BrokerUnavailable, MethodNotFound, RequestError
from trio_gateway.model.glob import compile_glob
from trio_gateway.model.user import CONTROL_CHARACTER, check_user_id
from trio_gateway.settings.settings import Settings

MAX_TOKEN_ID_BYTES = 256
DONE = results.Empty()


class ServerApi:
    """Carry out the methods of the API.

    Each of them raises RequestError where the request is at fault, and nothing happened then, or
    BrokerUnavailable where the outcome is unknown.
    """

    def __init__(self, settings: Settings, broker: Broker, control: Control) -> None:
        self._channels = Channels(settings)
        self._broker = broker
        self._control = control
        self._publishing = Publishing(broker, self._channels)

    async def call(self, name: str, body: bytes | Raw) -> Struct:
        """Carry out the method of this name; raises MethodNotFound, and NoJson as `decode` does."""
        method = METHODS.get(name)
        if method is None:
            raise MethodNotFound(f"there is no method {name[:80]!r}")
        carry_out: Callable[[Any], Awaitable[Struct]] = getattr(self, name)
        return await carry_out(decode(body, method.request))

    async def publish(self, request: requests.PublishRequest) -> results.PublishResult:
        """Publish in a channel."""
        return await self._publishing.publish(request.channel, request)

    async def broadcast(self, request: requests.BroadcastRequest) -> results.BroadcastResult:
        """Publish the same in several channels."""
        return await self._publishing.broadcast(request)

    async def subscribe(self, request: requests.SubscribeRequest) -> results.Empty:
        """Subscribe the clients of a user to a channel."""
        self._channels.check(request.channel)
        await self._control.tell(subscribe_directive(request))
        return DONE

    async def unsubscribe(self, request: requests.UnsubscribeRequest) -> results.Empty:
        """End a user's subscriptions to a channel, or to all."""
        if request.channel:
            self._channels.check(request.channel)
        await self._control.tell(unsubscribe_directive(request))
        return DONE

    async def disconnect(self, request: requests.DisconnectRequest) -> results.Empty:
        """Disconnect the clients of a user."""
        await self._control.tell(disconnect_directive(request))
        return DONE

    async def refresh(self, request: requests.RefreshRequest) -> results.Empty:
        """Give a user's connections another expiry."""
        await self._control.tell(refresh_directive(request))
        return DONE

    async def presence(self, request: requests.PresenceRequest) -> results.PresenceResult:
        """List who is in a channel."""
        self._channels.check_presence(request.channel)
        members = await self._broker.presence(request.channel)
        return results.PresenceResult({client: as_written(member.info) for client, member in members.items()})

    async def presence_stats(self, request: requests.PresenceStatsRequest) -> results.PresenceStatsResult:
        """Count who is in a channel."""
        self._channels.check_presence(request.channel)
        counted = await self._broker.presence_statistics(request.channel)
        return results.PresenceStatsResult(counted.clients, counted.users)

    async def history(self, request: requests.HistoryRequest) -> results.HistoryResult:
        """Read what a channel keeps."""
        self._channels.check_history(request.channel)
        return await read_history(self._broker, request)

    async def history_remove(self, request: requests.HistoryRemoveRequest) -> results.Empty:
        """Drop what a channel keeps."""
        self._channels.check_history(request.channel)
        await self._broker.remove_history(request.channel)
        await self._control.forget(request.channel)
        return DONE

    async def channels(self, request: requests.ChannelsRequest) -> results.ChannelsResult:
        """List the channels that somebody is subscribed to."""
        pattern = request.pattern or ""
        compile_glob(pattern)
        counted = await self._control.channels(pattern)
        return results.ChannelsResult({name: results.ChannelInfo(count) for name, count in counted.items()})

    async def info(self, _request: requests.InfoRequest) -> results.InfoResult:
        """Show all nodes."""
        return results.InfoResult(list(await self._control.nodes()))

    async def rpc(self, request: requests.RpcRequest) -> results.RpcResult:
        """Call a procedure: there is none."""
        raise MethodNotFound(f"no procedure {request.method[:80]!r} is registered")

    async def batch(self, request: requests.BatchRequest) -> results.BatchResult:
        """Carry out several commands, one after the other or in parallel; each has a reply of its own."""
        if request.parallel:
            return results.BatchResult(await in_order(self._reply, request.commands or []))
        return results.BatchResult(await in_order(self._reply, request.commands or [], at_a_time=1))

    async def block_user(self, request: requests.BlockUserRequest) -> results.Empty:
        """Disconnect a user, and refuse them for a while."""
        await self._control.block_user(check_user_id(request.user), request.seconds)
        return DONE

    async def unblock_user(self, request: requests.UnblockUserRequest) -> results.Empty:
        """Let a blocked user in again."""
        await self._control.unblock_user(check_user_id(request.user))
        return DONE

    async def revoke_user_tokens(self, request: requests.RevokeUserTokensRequest) -> results.Empty:
        """Refuse all tokens of a user that were issued before now."""
        await self._control.revoke_user_tokens(check_user_id(request.user))
        return DONE

    async def revoke_token(self, request: requests.RevokeTokenRequest) -> results.Empty:
        """Refuse one token."""
        if len(request.id.encode()) > MAX_TOKEN_ID_BYTES or CONTROL_CHARACTER.search(request.id):
            raise BadRequest(f"id: expected at most {MAX_TOKEN_ID_BYTES} bytes without control characters")
        await self._control.revoke_token(request.id, request.seconds)
        return DONE

    async def _reply(self, command: dict[str, Raw]) -> dict[str, Raw]:
        try:
            name, body = _named(command)
            result: Struct = await self.call(name, body)
        except (RequestError, BrokerUnavailable) as error:
            name, result = "error", error_of(error)
        except NoJson as error:  # text inside that is not UTF-8
            name, result = "error", error_of(BadRequest(str(error)))
        return {name: Raw(msgspec.json.encode(result))}


def _named(command: dict[str, Raw]) -> tuple[str, Raw]:
    """Take a command of a batch apart; raises MethodNotFound where it names no method, BadRequest for several."""
    if len(command) > 1:
        raise BadRequest("a command of a batch names one method")
    for name, body in command.items():
        if name != "batch":
            return name, body
        raise MethodNotFound("a batch holds no batch")
    raise MethodNotFound("a command of a batch names a method")
