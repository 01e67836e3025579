"""Clients open their connections at these paths: each tells the wire protocol, and how it travels."""

from __future__ import annotations

from typing import Final

PLAIN_PATH: Final = "/ws"
PLAIN_EVENTS_PATH: Final = "/sse"

# Where Centrifugo serves its SDKs, too.
CENTRIFUGO_PATH: Final = "/connection/websocket"
CENTRIFUGO_EVENTS_PATH: Final = "/connection/sse"
CENTRIFUGO_LINES_PATH: Final = "/connection/http_stream"
ONE_WAY_PATH: Final = "/connection/uni_websocket"
ONE_WAY_EVENTS_PATH: Final = "/connection/uni_sse"
ONE_WAY_LINES_PATH: Final = "/connection/uni_http_stream"
