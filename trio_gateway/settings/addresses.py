"""The options that say where: on which addresses clients and operators find the gateway, and where its store is."""

from __future__ import annotations

from pathlib import Path

import attrs

from trio_gateway.settings import kinds
from trio_gateway.settings.kind import choice
from trio_gateway.settings.option import hide_password, option

LISTENING = "Listening"
STORE = "Store"


@attrs.frozen(kw_only=True)
class Addresses:
    """Hold where the gateway listens and stores; a part of Settings."""

    host: str = option("127.0.0.1", kinds.HOST, "Address on which clients connect.", group=LISTENING)
    port: int = option(8000, kinds.PORT, "Port on which clients connect.", group=LISTENING)
    admin_host: str = option(
        "127.0.0.1", kinds.HOST, "Address of the HTTP API, the admin page and the health checks.", group=LISTENING
    )
    admin_port: int = option(
        9000, kinds.PORT, "Port of the HTTP API, the admin page and the health checks.", group=LISTENING
    )

    public_health: bool = option(
        False,
        kinds.FLAG,
        "Whether the health checks are answered on the clients' port, too.",
        group=LISTENING,
    )

    redis_url: str | None = option(
        None,
        kinds.REDIS_URL,
        "The Redis (7 or later) or Valkey that stores everything.",
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
        "Where the gateway's own Valkey, the development secret and the development API key are kept.",
        group=STORE,
        unset="the platform's place for application data",
        example="/var/lib/trio-gateway",
    )
    appendfsync: str = option(
        "everysec",
        choice("everysec", "always"),
        "When the gateway's own Valkey writes to disk: if the host crashes, `everysec` can lose 2 s and `always` loses nothing.",
        group=STORE,
    )
