"""A conversation is a channel of the gateway, and has members, whose inboxes hear of each message.

room:lobby   a room: everybody is a member
dm:#3,8      a conversation of two: the gateway lets the users 3 and 8 subscribe, and nobody else

Pure: nothing here knows HTTP, the gateway or the database.
"""

from __future__ import annotations

import re
from collections.abc import Collection

ROOMS = {"room:lobby": "Lobby", "room:kitchen": "Kitchen", "room:help": "Help"}
"""Channel to the name that people see."""

DIRECT = re.compile(r"dm:#([1-9][0-9]*),([1-9][0-9]*)", re.ASCII)


class NoSuchConversation(Exception):
    """There is none under this name, or it is not this person's; they are not told which."""


def inbox_of(user: str) -> str:
    """Name the channel that all devices of a user are subscribed to."""
    return f"#{user}"


def direct_channel(one: str, other: str) -> str:
    """Name the conversation of two users, whichever of them is named first."""
    first, second = sorted((one, other), key=int)
    return f"dm:#{first},{second}"


def members_of(channel: str, user: str, people: Collection[str]) -> list[str]:
    """List the user ids of a conversation's members, of whom this user is one; raises NoSuchConversation."""
    if channel in ROOMS:
        return list(people)
    named = DIRECT.fullmatch(channel)
    pair = list(named.groups()) if named else []
    if user not in pair or pair[0] == pair[1] or not set(pair) <= set(people) or channel != direct_channel(*pair):
        raise NoSuchConversation("there is no such conversation")
    return pair
