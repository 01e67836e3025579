"""One class holds every option of the gateway; each is documented where it stands and nowhere else."""

from __future__ import annotations

from pathlib import Path

import attrs

from trio_gateway.settings import kinds
from trio_gateway.settings.namespaces import Namespaces
from trio_gateway.settings.option import InvalidOption, hide, hide_password, option

LISTENING = "Listening"
STORE = "Store"
IDENTITY = "Who may connect"
RUNNING = "Logs and stopping"
LIMITS = "Limits"
DEADLINES = "Deadlines"


@attrs.frozen(kw_only=True)
class Settings:
    """Hold the operator's choices; every default is safe.

    Raises InvalidOption (a ValueError) when a value is wrong.
    """

    host: str = option("127.0.0.1", kinds.HOST, "Address on which clients connect.", group=LISTENING)
    port: int = option(8000, kinds.PORT, "Port on which clients connect.", group=LISTENING)
    admin_host: str = option(
        "127.0.0.1", kinds.HOST, "Address of the admin page and the health checks.", group=LISTENING
    )
    admin_port: int = option(9000, kinds.PORT, "Port of the admin page and the health checks.", group=LISTENING)

    redis_url: str | None = option(
        None,
        kinds.REDIS_URL,
        "Redis 7 or later, or Valkey, that keeps everything.",
        group=STORE,
        unset="the gateway runs its own",
        hide=hide_password,
        example="redis://localhost:6379/0",
    )
    redis_prefix: str = option(
        "tg",
        kinds.PREFIX,
        "How every key and pub/sub name in Redis begins; installations that share a Redis need different ones.",
        group=STORE,
    )
    data_dir: Path | None = option(  # noqa: RUF009 (makes an attrs field)
        None,
        kinds.DIRECTORY,
        "Where the gateway's own Valkey and the development secret live.",
        group=STORE,
        unset="the platform's place for application data",
        example="/var/lib/trio-gateway",
    )
    appendfsync: str = option(
        "everysec",
        kinds.choice("everysec", "always"),
        "When the gateway's own Valkey writes to disk: `everysec` can lose 2 s if the host crashes, `always` nothing.",
        group=STORE,
    )

    insecure: bool = option(
        False, kinds.FLAG, "Believe clients who they say they are (`?user=7`). For trying out only.", group=IDENTITY
    )
    token_secret: str | None = option(
        None,
        kinds.SECRET,
        "Secret that signs the clients' tokens (JWT, HS256), 32 bytes or more. Better given by the environment.",
        group=IDENTITY,
        hide=hide,
        unset="on a loopback address, one is made up",
        example="a long random text",
    )
    api_key: str | None = option(
        None,
        kinds.SECRET,
        "Key for the HTTP API, which comes with a later release.",
        group=IDENTITY,
        hide=hide,
        unset="none",
        example="another long random text",
    )
    allowed_origins: tuple[str, ...] = option(
        (),
        kinds.PATTERNS,
        "Browser origins that may connect, as globs over the whole origin.",
        group=IDENTITY,
        singular="allowed_origin",
        unset="the request's own host",
        example=["https://*.example.com"],
    )
    trusted_proxies: tuple[str, ...] = option(
        (),
        kinds.NETWORKS,
        "Proxies whose X-Forwarded-For is believed.",
        group=IDENTITY,
        singular="trusted_proxy",
        unset="none",
        example=["10.0.0.0/8"],
    )

    drain_seconds: float = option(
        10.0, kinds.DURATION_OR_NONE, "Time over which clients are told goodbye at a stop.", group=RUNNING
    )
    log_format: str = option("console", kinds.choice("console", "json"), "How log lines look.", group=RUNNING)
    log_level: str = option(
        "info", kinds.choice("debug", "info", "warning", "error"), "From which level on to log.", group=RUNNING
    )

    max_connections: int = option(50_000, kinds.COUNT, "Clients at a time; more are answered 503.", group=LIMITS)
    max_channels: int = option(128, kinds.COUNT, "Subscriptions of one client.", group=LIMITS)
    max_frame_size: int = option(65_536, kinds.COUNT, "Bytes of one message from a client.", group=LIMITS)
    max_publication_size: int = option(1_048_576, kinds.COUNT, "Bytes of one publication's data.", group=LIMITS)
    max_channel_length: int = option(255, kinds.COUNT, "Bytes of a channel's name.", group=LIMITS)
    max_devices: int = option(
        64, kinds.COUNT, "Devices of one user whose cursors are kept; the longest unused goes.", group=LIMITS
    )

    handshake_seconds: float = option(10.0, kinds.DURATION, "For a client to open its connection.", group=DEADLINES)
    ping_seconds: float = option(25.0, kinds.DURATION, "Between two pings to a client.", group=DEADLINES)
    pong_seconds: float = option(
        10.0, kinds.DURATION, "For a client to answer a ping; less than `ping_seconds`.", group=DEADLINES
    )
    write_seconds: float = option(
        10.0, kinds.DURATION, "For a client to take a frame; then the connection is cut.", group=DEADLINES
    )

    namespaces: Namespaces = attrs.field(factory=Namespaces)

    def __attrs_post_init__(self) -> None:
        if self.pong_seconds >= self.ping_seconds:
            limit, given = kinds.written(self.ping_seconds), kinds.written(self.pong_seconds)
            raise InvalidOption("pong_seconds", f"expected less than ping_seconds ({limit}), not {given}")

    @property
    def data_directory(self) -> Path:
        """Give the data directory: `data_dir`, or the platform's default; creates nothing."""
        from trio_gateway.settings.data_directory import default_data_directory  # noqa: PLC0415 (platformdirs is slow)

        return self.data_dir or default_data_directory()
