"""Where nobody listens on this machine at the first attempt, no gateway runs: there is nothing to wait for."""

from __future__ import annotations

import trio

from trio_gateway.client.address import Address
from trio_gateway.client.dial import OpenStream, open_stream
from trio_gateway.model.errors import ConfigurationError
from trio_gateway.model.reason import reason_of
from trio_gateway.settings.program import program_name


def first_dial(url: str, dial: OpenStream = open_stream) -> OpenStream:
    """Make what opens streams to the gateway of this machine, whose URL is for words alone.

    As long as no attempt found anybody, a failure is ConfigurationError, which ends the client; later
    it is an OSError as always, and the client keeps trying.
    """
    found = False

    async def open_first(address: Address) -> trio.abc.Stream:
        nonlocal found
        try:
            stream = await dial(address)
        except OSError as error:
            if found:
                raise
            raise ConfigurationError(
                f"no gateway runs at {url} ({reason_of(error)}); "
                f"start one with `{program_name()} serve`, or give its URL"
            ) from error
        found = True
        return stream

    return open_first
