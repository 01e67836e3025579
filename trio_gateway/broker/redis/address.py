"""An address is a Redis URL taken apart by redis-py, and the way to a stream to it."""

from __future__ import annotations

import ssl
from typing import Any

import attrs
import trio
from redis.connection import parse_url

from trio_gateway.broker.redis.stream import DirectStream

VERIFY_MODES = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}


@attrs.frozen
class Address:
    """Hold where a server is and what to say at its door.

    `shown` is the address without the secret, for logs and reasons.
    """

    shown: str
    host: str = "localhost"
    port: int = 6379
    path: str | None = None
    database: int = 0
    username: str | None = None
    password: str | None = attrs.field(default=None, repr=False)
    tls: ssl.SSLContext | None = attrs.field(default=None, repr=False)

    async def open_stream(self) -> trio.abc.Stream:
        """Connect; raises OSError or trio.BrokenResourceError. The caller sets the deadline."""
        if self.path is not None:
            return DirectStream(await trio.open_unix_socket(self.path))
        stream = await trio.open_tcp_stream(self.host, self.port)
        if self.tls is None:
            return DirectStream(stream)
        # Redis closes without a TLS goodbye, and RESP tells itself where a reply ends.
        secured = trio.SSLStream(stream, self.tls, server_hostname=self.host, https_compatible=True)
        try:
            await secured.do_handshake()
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        return secured


def parse_address(url: str) -> Address:
    """Take a `redis://`, `rediss://` or `unix://` URL apart; raises ValueError for another form."""
    options: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
    path = options.get("path")
    host, port = options.get("host", "localhost"), options.get("port", 6379)
    database = options.get("db", 0)
    where = path if path is not None else f"{host}:{port}"
    return Address(
        shown=f"{where} (database {database})",
        host=host,
        port=port,
        path=path,
        database=database,
        username=options.get("username"),
        password=options.get("password"),
        tls=_tls(options) if url.startswith("rediss://") else None,
    )


def _tls(options: dict[str, Any]) -> ssl.SSLContext:
    """Make a context from redis-py's URL options (`ssl_ca_certs`, `ssl_cert_reqs`, …)."""
    context = ssl.create_default_context(cafile=options.get("ssl_ca_certs"), capath=options.get("ssl_ca_path"))
    verify = str(options.get("ssl_cert_reqs", "required")).lower()
    if verify not in VERIFY_MODES:
        raise ValueError(f"ssl_cert_reqs is none, optional or required, not {verify!r}")
    named = str(options.get("ssl_check_hostname", "true")).lower() not in {"false", "0", "no", "off", "n"}
    context.check_hostname = named and verify != "none"
    context.verify_mode = VERIFY_MODES[verify]
    if options.get("ssl_certfile"):
        context.load_cert_chain(options["ssl_certfile"], options.get("ssl_keyfile"), options.get("ssl_password"))
    return context
