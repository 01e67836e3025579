"""What is said at the door of a server, and what a server must be: RESP3, version 7 or later, a primary, `noeviction`."""

from __future__ import annotations

from typing import Any

from trio_gateway.broker.redis.address import Address
from trio_gateway.broker.redis.link import Link

OLDEST_VERSION = 7
"""Functions came with Redis 7; every Valkey has them."""

PRIMARY_ROLES = {b"master", b"primary"}


class ServerUnusable(Exception):
    """Tell in one line why this server can't be used; the operator is asked to change something."""


async def greet(link: Link, address: Address, name: str) -> None:
    """Say HELLO and SELECT, and check the server.

    Raises ServerUnusable, or redis.exceptions.RedisError for what the server refuses.
    """
    hello = await link.call("HELLO", 3, *_auth(address), "SETNAME", name)
    _check_hello(hello)
    if address.database:
        await link.call("SELECT", address.database)


async def check_memory(link: Link) -> None:
    """Check that the server never evicts keys; raises ServerUnusable."""
    policy = _field(await link.call("INFO", "memory"), "maxmemory_policy")
    if policy != "noeviction":
        raise ServerUnusable(f"maxmemory-policy is {policy}: it would drop messages; set it to noeviction")


def _auth(address: Address) -> tuple[str, ...]:
    if address.password is None:
        return ()
    return ("AUTH", address.username or "default", address.password)


def _check_hello(hello: dict[bytes, Any]) -> None:
    version = hello.get(b"version", b"0").decode()
    if int(version.partition(".")[0]) < OLDEST_VERSION:
        raise ServerUnusable(f"the server is version {version}: Redis 7 or later, or Valkey, is needed")
    if hello.get(b"role") not in PRIMARY_ROLES:
        raise ServerUnusable("the server is a replica: connect to the primary")


def _field(info: bytes, name: str) -> str:
    for line in info.decode().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return value
    return "unknown"
