"""One stream to the server: name, TCP, TLS. The seam where tests, proxies and Unix sockets come in."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable

import trio

from trio_gateway.client.address import Address
from trio_gateway.client.errors import ServerUntrusted

OpenStream = Callable[[Address], Awaitable[trio.abc.Stream]]
"""Open a stream to an address; raises OSError or trio.BrokenResourceError when that fails for now."""


async def open_stream(address: Address) -> trio.abc.Stream:
    """Open a TCP stream, with TLS where the address says so.

    Raises OSError or trio.BrokenResourceError when that fails for now, and ServerUntrusted when the
    certificate is wrong, which no later attempt would mend.
    """
    stream = await trio.open_tcp_stream(address.host, address.port)
    if address.ssl_context is None:
        return stream
    # https_compatible: many servers end TCP without TLS's own goodbye; the WebSocket Close says it all.
    secure = trio.SSLStream(stream, address.ssl_context, server_hostname=address.host, https_compatible=True)
    try:
        await secure.do_handshake()
    except BaseException as error:
        await trio.aclose_forcefully(stream)
        if isinstance(error.__cause__, ssl.SSLCertVerificationError):
            raise ServerUntrusted(f"{address.authority}: {error.__cause__.verify_message}") from error
        raise
    return secure
