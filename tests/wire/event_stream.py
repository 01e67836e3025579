"""What a browser's EventSource makes of an event stream (HTML §9.2.6), read here by the specification's own words."""

from __future__ import annotations

import re

import attrs


@attrs.define
class EventSource:
    """Read a stream whole: its events' data in order, the last id, and the last time to come back after (milliseconds)."""

    events: list[str] = attrs.field(factory=list)
    last_id: str = ""
    retry: int | None = None

    def receive(self, stream):
        """Interpret a stream that ends behind an event; answers itself."""
        data, last_id = [], self.last_id
        lines = re.split(r"\r\n|\n|\r", stream.decode())
        assert lines[-1] == "", "the stream ends inside a line"
        for line in lines[:-1]:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            match field:
                case "" if not line:
                    self.last_id = last_id
                    if data:
                        self.events.append("\n".join(data))
                    data = []
                case "data":
                    data.append(value)
                case "id":
                    last_id = value
                case "retry":
                    self.retry = int(value)
        assert not data, "the stream ends inside an event"
        return self
