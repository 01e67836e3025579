"""A real Valkey on a data directory, for as long as a block runs."""

from __future__ import annotations

import contextlib
from pathlib import Path

import redis
import trio

from trio_gateway.embedded.valkey import EmbeddedValkey


@contextlib.asynccontextmanager
async def running(data_dir, **options):
    """Give the embedded Valkey and its URL; both end with the block."""
    valkey = EmbeddedValkey(data_dir, **options)
    async with trio.open_nursery() as nursery:
        url = await nursery.start(valkey.serve)
        yield valkey, url
        nursery.cancel_scope.cancel()


async def until(condition, *, seconds=30.0):
    """Wait until the condition holds; fails after a deadline that only a broken program reaches."""
    with trio.fail_after(seconds):
        while not condition():
            await trio.sleep(0.02)


def client_of(url):
    return contextlib.closing(redis.Redis.from_url(url, socket_timeout=5))


def is_alive(pid):
    """Tell whether a process runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
