"""Key names are made here and nowhere else; all keys of a channel share a hash slot.

`{C}` is the channel's name with `%`, `{` and `}` percent-escaped, in braces. With the prefix `tg`:

| key | what |
| --- | --- |
| `tg:{C}:m` | meta hash: `e` epoch, `s` top offset, `r` replication id of the last writer, `f` format, `v`, `w` number and epoch of the last version, `x`, `y` last renewals (ms) |
| `tg:{C}:s` | stream of the kept publications: id `<offset>-0`, one field; its name is the format, its value in `entries.py` |
| `tg:{C}:i:<bytes of sender>:<sender>:<id>` | idempotency record: `<epoch>:<offset>`, 5 minutes |
| `tg:{C}:c` | cursors: hash of device to `<epoch>:<offset>:<last used, Unix ms>` |
| `tg:{C}:p` | presence: hash of client to `<1 where it is told, else 0>:<bytes of user>:<user><info>` |
| `tg:{C}:pe` | presence: sorted set of client to expiry (Unix ms) |
| `tg:{C}:pu` | presence: hash of user to the number of clients |
| `tg:marks` | marks: hash of name to `<expiry, Unix ms>:<value>` |
| `tg:owner` | a random id of the installation that the prefix belongs to, one per database |
| pub/sub `tg:{C}` | hints |
| pub/sub `tg:owner` | the owner's id, said aloud now and then |
"""

from __future__ import annotations

import re

import attrs

PREFIX_PATTERN = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
ESCAPES = {ord("%"): "%25", ord("{"): "%7B", ord("}"): "%7D"}


def check_prefix(prefix: str) -> str:
    """Return the prefix, or raise ValueError unless it is 1–64 of `A-Z a-z 0-9 _ . : -`."""
    if not PREFIX_PATTERN.fullmatch(prefix):
        raise ValueError(f"a key prefix is 1 to 64 of A-Z a-z 0-9 _ . : - and not {prefix[:80]!r}")
    return prefix


@attrs.frozen
class Keys:
    """Name the keys of one installation; raises ValueError for a prefix of another form."""

    prefix: str = attrs.field(default="tg", validator=lambda _self, _field, value: check_prefix(value) and None)

    @property
    def owner(self) -> str:
        """Name the key, and the pub/sub channel, of the prefix's owner."""
        return f"{self.prefix}:owner"

    @property
    def marks(self) -> str:
        """Name the hash of the marks."""
        return f"{self.prefix}:marks"

    def hints(self, channel: str) -> str:
        """Name the pub/sub channel of a channel's hints, which all its keys begin with."""
        return f"{self.prefix}:{{{channel.translate(ESCAPES)}}}"

    def meta(self, channel: str) -> str:
        """Name the hash of a channel's epoch and top."""
        return self.hints(channel) + ":m"

    def stream(self, channel: str) -> str:
        """Name the stream of a channel's kept publications."""
        return self.hints(channel) + ":s"

    def cursors(self, channel: str) -> str:
        """Name the hash of an inbox's device cursors."""
        return self.hints(channel) + ":c"

    def record(self, channel: str, sender: str, id: str) -> str:
        """Name the idempotency record of a sender's id in a channel."""
        return f"{self.hints(channel)}:i:{len(sender.encode())}:{sender}:{id}"

    def for_presence(self, channel: str) -> tuple[str, str, str]:
        """Name the keys of a channel's presence, in the order in which the functions take them: members, expiries, users."""
        base = self.hints(channel)
        return (base + ":p", base + ":pe", base + ":pu")

    def for_publish(self, channel: str, sender: str, id: str) -> tuple[str, ...]:
        """Name the keys that `tg1_publish` takes, in order: three with an id, else two."""
        base = self.hints(channel)
        pair = (base + ":m", base + ":s")
        return (*pair, self.record(channel, sender, id)) if id else pair
