"""Publishing by the API: a request's options become those of the broker, and a broadcast is many publications."""

from __future__ import annotations

import attrs
import msgspec

from trio_gateway.api.answers import error_of
from trio_gateway.api.channels import Channels
from trio_gateway.api.decoding import data_of
from trio_gateway.api.in_order import in_order
from trio_gateway.api.requests import BroadcastRequest, PublishOptions
from trio_gateway.api.results import BroadcastResult, PublishResponse, PublishResult
from trio_gateway.broker.broker import Broker, Version
from trio_gateway.model.errors import BrokerUnavailable, RequestError


@attrs.frozen
class Publishing:
    """Publish as a back end."""

    broker: Broker
    channels: Channels

    async def publish(self, channel: str, options: PublishOptions) -> PublishResult:
        """Publish in one channel; raises as Broker.publish does, and BadRequest where there is no data."""
        self.channels.check(channel)
        position = await self.broker.publish(
            channel,
            data_of(options.data, options.b64data),
            id=options.idempotency_key or "",
            tags=msgspec.json.encode(options.tags) if options.tags else b"",
            skip_history=bool(options.skip_history),
            version=Version(options.version, options.version_epoch or "") if options.version else None,
            delta=bool(options.delta),
        )
        return PublishResult(position.offset, position.epoch)

    async def broadcast(self, request: BroadcastRequest) -> BroadcastResult:
        """Publish in each channel; what one of them meets is told in its own response."""

        async def respond(channel: str) -> PublishResponse:
            try:
                return PublishResponse(result=await self.publish(channel, request))
            except (RequestError, BrokerUnavailable) as error:
                return PublishResponse(error=error_of(error))

        return BroadcastResult(await in_order(respond, request.channels))
