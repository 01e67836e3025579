"""The client's address is the rightmost one that no trusted proxy vouches away: everything left of it may be a lie."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
_Address = IPv4Address | IPv6Address


def parse_networks(proxies: Sequence[str]) -> tuple[Network, ...]:
    """Read addresses and networks (`10.0.0.0/8`); raises ValueError for one that is neither."""
    return tuple(ip_network(proxy) for proxy in proxies)


def client_address(peer: str, forwarded_for: str | None, trusted_proxies: Sequence[Network]) -> str:
    """Find the address of the client behind the proxies.

    `peer` is the socket's other end, `forwarded_for` the X-Forwarded-For header, to which each proxy
    appends the address that it was called from. What a trusted proxy appended and is no address
    leaves the proxy's own.
    """
    if forwarded_for is None or not trusted_proxies:
        return peer
    address = _parse_address(peer)
    for hop in reversed(forwarded_for.split(",")):
        if address is None or not any(address in network for network in trusted_proxies):
            break
        previous = _parse_address(hop.strip())
        if previous is None:
            break
        address = previous
    return peer if address is None else str(address)


def _parse_address(text: str) -> _Address | None:
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:  # IPv4 with a port, as some proxies write it
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A dual-stack socket shows IPv4 peers as ::ffff:192.0.2.1.
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
