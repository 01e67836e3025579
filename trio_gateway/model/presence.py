"""Presence is who is in a channel now: one member for each client there, whatever node holds it."""

from __future__ import annotations

import attrs
import msgspec


@attrs.frozen
class Member:
    """Describe one client in a channel.

    `info` is its ClientInfo, a JSON object in UTF-8: what others are shown. `told` says whether its
    coming and going is told to those who follow the channel.
    """

    client: str
    user: str
    info: bytes
    told: bool = False


class Passage(msgspec.Struct, frozen=True, gc=False):
    """Tell that a member came into a channel (`joined`), or left it; `info` is its ClientInfo, a JSON object."""

    joined: bool
    info: bytes


@attrs.frozen
class PresenceStatistics:
    """Count the clients in a channel, and the different users that they speak for (the anonymous are one)."""

    clients: int
    users: int
