"""One class holds every option of the gateway; each is documented where it stands and nowhere else.

It inherits, in this order, the options of `places.py` and `identity.py`; its own are those of running.
"""

from __future__ import annotations

from pathlib import Path

import attrs

from trio_gateway.settings import kinds
from trio_gateway.settings.back_end import BackEndRules
from trio_gateway.settings.identity import Identity
from trio_gateway.settings.kind import choice, written
from trio_gateway.settings.namespaces import Namespaces
from trio_gateway.settings.option import InvalidOption, option

RUNNING = "Logs and stopping"
LIMITS = "Limits"
DEADLINES = "Deadlines"


@attrs.frozen(kw_only=True)
class Settings(Identity):
    """Hold the operator's choices; every default is safe.

    Raises InvalidOption (a ValueError) when a value is wrong.
    """

    drain_seconds: float = option(
        10.0,
        kinds.DURATION_OR_NONE,
        "Time over which the goodbyes to clients are spread when the gateway stops.",
        group=RUNNING,
    )
    log_format: str = option("console", choice("console", "json"), "Format of the log lines.", group=RUNNING)
    log_level: str = option(
        "info", choice("debug", "info", "warning", "error"), "Lowest level that is logged.", group=RUNNING
    )

    max_connections: int = option(
        50_000, kinds.COUNT, "Clients connected at a time; others are refused with 503.", group=LIMITS
    )
    max_channels: int = option(128, kinds.COUNT, "Subscriptions of one client.", group=LIMITS)
    max_frame_size: int = option(65_536, kinds.COUNT, "Bytes of one message from a client.", group=LIMITS)
    max_publication_size: int = option(1_048_576, kinds.COUNT, "Bytes of one publication's data.", group=LIMITS)
    max_channel_length: int = option(255, kinds.COUNT, "Bytes of a channel's name.", group=LIMITS)
    max_devices: int = option(
        64,
        kinds.COUNT,
        "Devices of one user whose cursors are kept; beyond it the least recently used one is forgotten.",
        group=LIMITS,
    )
    max_recovery: int = option(
        300,
        kinds.COUNT,
        "Publications in one answer to a client of an SDK that reads a history or recovers.",
        group=LIMITS,
    )
    max_connections_per_user: int = option(
        0, kinds.COUNT_OR_NONE, "Clients of one user, on all nodes together; 0: any number.", group=LIMITS
    )
    commands_per_second: int = option(
        1000,
        kinds.COUNT_OR_NONE,
        "Commands that one client may send per second, in the long run; 0: any number.",
        group=LIMITS,
    )
    command_burst: int = option(
        2000,
        kinds.COUNT,
        "Commands that one client may send at once before `commands_per_second` counts.",
        group=LIMITS,
    )
    max_api_request_size: int = option(
        10_485_760, kinds.COUNT, "Bytes of one request to the HTTP API; a larger one is refused with 413.", group=LIMITS
    )

    handshake_seconds: float = option(
        10.0,
        kinds.DURATION,
        "How long a client may take to open its connection, and any other request until it is answered.",
        group=DEADLINES,
    )
    ping_seconds: float = option(25.0, kinds.DURATION, "Time between two pings to a client.", group=DEADLINES)
    pong_seconds: float = option(
        10.0, kinds.DURATION, "How long a client may take to answer a ping; less than `ping_seconds`.", group=DEADLINES
    )
    token_grace_seconds: float = option(
        25.0,
        kinds.DURATION_OR_NONE,
        "How long a client may take to bring a new token after its old one expired.",
        group=DEADLINES,
    )
    presence_ttl: float = option(
        60.0,
        kinds.PRESENCE,
        "How long the clients of a killed node stay in presence.",
        group=DEADLINES,
    )
    write_seconds: float = option(
        10.0,
        kinds.DURATION,
        "How long a client may take to accept a frame before its connection is cut.",
        group=DEADLINES,
    )

    namespaces: Namespaces = attrs.field(factory=Namespaces)
    back_end: BackEndRules = attrs.field(factory=BackEndRules)

    def __attrs_post_init__(self) -> None:
        if self.pong_seconds >= self.ping_seconds:
            limit, given = written(self.ping_seconds), written(self.pong_seconds)
            raise InvalidOption("pong_seconds", f"expected less than ping_seconds ({limit}), not {given}")
        asked = self.back_end.connect
        if asked and asked.timeout >= self.handshake_seconds:
            # A client that waits for the back end would be cut before it could be told why.
            limit, given = written(asked.timeout), written(self.handshake_seconds)
            raise InvalidOption(
                "handshake_seconds", f"expected more than the timeout of the hook connect ({limit}), not {given}"
            )

    @property
    def verifies_tokens(self) -> bool:
        """Tell whether there is a key, of any kind, that a token can be signed with."""
        keys = (self.token_secret, self.token_previous_secret, self.token_jwks_url, self.token_jwks_file)
        return any(keys) or bool(self.token_public_keys)

    @property
    def data_directory(self) -> Path:
        """Give the data directory: `data_dir`, or the platform's default; creates nothing."""
        from trio_gateway.settings.data_directory import default_data_directory  # noqa: PLC0415 (platformdirs is slow)

        return self.data_dir or default_data_directory()
