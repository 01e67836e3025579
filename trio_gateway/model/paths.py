"""Clients open their connections at two paths: the path tells the wire protocol."""

from __future__ import annotations

from typing import Final

PLAIN_PATH: Final = "/ws"
CENTRIFUGO_PATH: Final = "/connection/websocket"
"""Where Centrifugo serves its SDKs, too."""
