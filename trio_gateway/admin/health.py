"""The node's health is one value, read at one moment; readiness and the JSON of the health page are made from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from trio_gateway.broker.broker import BrokerHealth
from trio_gateway.hooks.http.statistics import HookStatistics
from trio_gateway.model.valkey_health import ValkeyHealth

DRAINING = "draining"


@attrs.frozen
class NodeHealth:
    """Show how one node stands.

    `uptime` is in seconds, `connections` the clients that are connected now, `subscriptions` theirs
    together. `valkey` is None where the broker's server is not the embedded one. `hooks` are those that a
    back end answers over HTTP.
    """

    version: str
    uptime: float
    connections: int
    subscriptions: int
    broker: BrokerHealth
    draining: bool = False
    valkey: ValkeyHealth | None = None
    hooks: Mapping[str, HookStatistics] = attrs.field(factory=dict)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Tell why no clients should be sent here, in words for the operator; empty means ready."""
        return (*((DRAINING,) if self.draining else ()), *self.broker.reasons)

    def to_json(self) -> dict[str, Any]:
        """Write it as the health page does: durations in seconds, to the microsecond."""
        shown: dict[str, Any] = {
            "version": self.version,
            "uptime": round(self.uptime, 3),
            "connections": self.connections,
            "subscriptions": self.subscriptions,
            "broker": {
                "round_trip": _seconds(self.broker.round_trip),
                "feed_age": _seconds(self.broker.feed_age),
                "reasons": list(self.broker.reasons),
            },
            "draining": self.draining,
        }
        if self.valkey is not None:
            shown["valkey"] = attrs.asdict(self.valkey)
        if self.hooks:
            shown["hooks"] = {name: _hook(statistics) for name, statistics in self.hooks.items()}
        return shown


def _hook(statistics: HookStatistics) -> dict[str, Any]:
    return {**attrs.asdict(statistics), "seconds": _seconds(statistics.seconds)}


def _seconds(duration: float | None) -> float | None:
    return None if duration is None else round(duration, 6)
