"""Our functions, called as any language would call them: by keys and arguments, through redis-py."""

from __future__ import annotations

import json

from trio_gateway.broker.limits import Limits
from trio_gateway.broker.redis.function_library import Library, installation_of, update_of
from trio_gateway.broker.redis.keys import Keys
from trio_gateway.settings.namespaces import Namespaces


class Functions:
    """Call the functions as any language would, under a prefix of this test's own."""

    def __init__(self, client, prefix, namespaces=None):
        self.client = client
        self.keys = Keys(prefix)
        self.wanted = installation_of(namespaces or Namespaces(), Limits())

    def load(self):
        """Load the library where it is missing."""
        loaded = [library for library in self.client.function_list("tg1") if library]
        library = Library.parse(self.client.fcall("tg1_library", 0)) if loaded else Library()
        if source := update_of(library, self.keys.prefix, self.wanted):
            self.client.function_load(source, replace=True)
        return self

    def publish(self, channel, data="1", *, sender="", id=""):
        keys = self.keys.for_publish(channel, sender, id)
        epoch, offset = self.client.fcall("tg1_publish", len(keys), *keys, data, sender, id)
        return epoch.decode(), offset

    def read(self, channel, after=0, limit=1000):
        keys = (self.keys.meta(channel), self.keys.stream(channel))
        epoch, top, entries = self.client.fcall("tg1_read", 2, *keys, after, limit, 2**20)
        return epoch.decode(), top, entries[::3]

    def attach(self, channel, device=""):
        keys = (self.keys.meta(channel), self.keys.stream(channel), self.keys.cursors(channel))
        return self.client.fcall("tg1_attach", 3, *keys, device)

    def ack(self, channel, device, epoch, offset):
        return self.client.fcall(
            "tg1_ack", 2, self.keys.meta(channel), self.keys.cursors(channel), device, epoch, offset
        )

    def presence(self, function, channel, *args):
        """Call one of the functions of presence: join, renew, leave, presence or presence_statistics."""
        return self.client.fcall(f"tg1_{function}", 3, *self.keys.for_presence(channel), *args)

    def join(self, channel, client, *, user="7", info='{"a":1}', told=1, ttl=60_000, limit=0):
        return self.presence("join", channel, client, user, info, told, ttl, limit)

    def settings(self):
        return json.loads(self.client.fcall("tg1_library", 0)[1])
