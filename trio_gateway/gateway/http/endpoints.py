"""The endpoints at which clients open their connections, one for each wire protocol and way to travel."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from trio_gateway.model import paths
from trio_gateway.wire.centrifugo import CentrifugoCodec, UnidirectionalCodec
from trio_gateway.wire.codec import Codec
from trio_gateway.wire.frames import text_frame
from trio_gateway.wire.framing import event, last_event, line
from trio_gateway.wire.plain import PLAIN
from trio_gateway.wire.plain_events import PLAIN_EVENTS

EVENT_STREAM = "text/event-stream"
LINE_STREAM = "application/x-ndjson"


@attrs.frozen(kw_only=True)
class Endpoint:
    """Say what stands at one path.

    `stream` is the content type of an endpoint that answers with a stream, empty for a WebSocket. At a
    `plain` endpoint the request itself says who the client is; at the others the client connects by a
    command, which comes with the request where that becomes a stream. From clients that go `one_way`
    nothing more is heard. `methods` are those that open a connection.
    """

    codec: Codec
    stream: str = ""
    plain: bool = False
    one_way: bool = False
    methods: tuple[str, ...] = ("GET",)

    @property
    def unidirectional(self) -> bool:
        """Tell whether clients send a connect command, and nothing more is heard of them (protocol §12)."""
        return self.one_way and not self.plain

    @property
    def transport(self) -> str:
        """Name what carries a connection, as Centrifugo names it."""
        name = _TRANSPORTS[self.stream]
        return f"uni_{name}" if self.unidirectional else name


_TRANSPORTS = {"": "websocket", EVENT_STREAM: "sse", LINE_STREAM: "http_stream"}


def make_endpoints(version: str) -> Mapping[str, Endpoint]:
    """Make the endpoints of a node by path; the SDKs' clients are told its `version`."""
    both = ("GET", "POST")
    return {
        paths.PLAIN_PATH: Endpoint(codec=PLAIN, plain=True),
        paths.PLAIN_EVENTS_PATH: Endpoint(codec=PLAIN_EVENTS, stream=EVENT_STREAM, plain=True, one_way=True),
        paths.CENTRIFUGO_PATH: Endpoint(codec=CentrifugoCodec(version)),
        paths.CENTRIFUGO_EVENTS_PATH: Endpoint(
            codec=CentrifugoCodec(version, event, ends_by_push=True), stream=EVENT_STREAM, methods=both
        ),
        paths.CENTRIFUGO_LINES_PATH: Endpoint(
            codec=CentrifugoCodec(version, line, ends_by_push=True), stream=LINE_STREAM, methods=("POST",)
        ),
        paths.ONE_WAY_PATH: Endpoint(codec=UnidirectionalCodec(version, text_frame), one_way=True),
        paths.ONE_WAY_EVENTS_PATH: Endpoint(
            codec=UnidirectionalCodec(version, event, last_event), stream=EVENT_STREAM, one_way=True, methods=both
        ),
        paths.ONE_WAY_LINES_PATH: Endpoint(
            codec=UnidirectionalCodec(version, line), stream=LINE_STREAM, one_way=True, methods=("POST",)
        ),
    }
