"""One class holds every option of the gateway; each is documented where it stands and nowhere else."""

from __future__ import annotations

from pathlib import Path

import attrs

from trio_gateway.settings.duration import duration
from trio_gateway.settings.namespaces import Namespaces

positive = attrs.validators.gt(0)


@attrs.frozen(kw_only=True)
class Settings:
    """Hold the operator's choices; every default is safe."""

    host: str = "127.0.0.1"
    port: int = 8000
    admin_host: str = "127.0.0.1"
    admin_port: int = 9000
    redis_url: str | None = None
    redis_prefix: str = "tg"
    appendfsync: str = "everysec"
    data_dir: Path | None = None
    insecure: bool = False
    token_secret: str | None = attrs.field(default=None, repr=False)
    api_key: str | None = attrs.field(default=None, repr=False)
    allowed_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    drain_seconds: float = attrs.field(default=10.0, converter=duration)
    log_format: str = "console"
    log_level: str = "info"
    max_connections: int = 50_000
    max_channels: int = 128
    max_frame_size: int = 65_536
    max_publication_size: int = 1_048_576
    max_channel_length: int = 255
    max_devices: int = 64
    handshake_seconds: float = attrs.field(default=10.0, converter=duration)
    ping_seconds: float = attrs.field(default=25.0, converter=duration)
    pong_seconds: float = attrs.field(default=10.0, converter=duration)
    write_seconds: float = attrs.field(default=10.0, converter=duration)
    namespaces: Namespaces = attrs.field(factory=Namespaces)
