"""All scenarios: how each is measured on the gateway, what stands beside it, and what it should reach."""

from __future__ import annotations

from bench.asking import alone, exchange, frames, publishing
from bench.coming_back import coming_back_cpu, recovering_reads
from bench.delivering import (
    fan_out_events,
    fan_out_floor,
    fan_out_ours,
    fan_out_sdk,
    user_messages_floor,
    user_messages_ours,
    user_messages_sdk,
)
from bench.opening import idle_floor, idle_ours, opening_floor, opening_ours
from bench.scenario import Scenario

SCENARIOS = {
    "fan-out": Scenario("delivery to 1,000 sockets of one channel, 50/s", "µs", fan_out_ours, fan_out_floor, ratio=1.4),
    "users": Scenario("delivery to 1,000 users, 10/s each", "µs", user_messages_ours, user_messages_floor, ratio=2.5),
    "frames": Scenario("small frames answered, 100 clients, 1 in flight", "/core-s", frames(1), least=20_000),
    "frames-4": Scenario("small frames answered, 100 clients, 4 in flight", "/core-s", frames(4), least=20_000),
    "publishing": Scenario(
        "publications by clients stored, 100 clients of an SDK, 4 in flight", "/core-s", publishing, least=14_000
    ),
    "opening": Scenario(
        "opening a connection, with token and inbox",
        "µs",
        opening_ours(ended=False),
        opening_floor(ended=False),
    ),
    "life": Scenario(
        "the same, and its end",
        "µs",
        opening_ours(ended=True),
        opening_floor(ended=True),
        ratio=3.5,
    ),
    "events": Scenario(
        "delivery to 1,000 event streams of one channel, 50/s, beside /ws",
        "µs",
        fan_out_events,
        fan_out_ours,
        ratio=1.5,
    ),
    "exchange": Scenario(
        "a health check on the clients' port, beside Hypercorn on the admin port",
        "µs",
        exchange(by_hypercorn=False),
        exchange(by_hypercorn=True),
    ),
    "wake": Scenario(
        "bare Trio woken for one read of a quiet feed, beside bare epoll",
        "µs",
        alone("wake", "trio"),
        alone("wake", "epoll"),
    ),
    "idle": Scenario("memory of an idle connection", "KB", idle_ours, idle_floor, most=34),
    "recovering": Scenario(
        "1,000 clients of the SDKs' protocol come back to one channel at once, 100 missed, beside none",
        "µs each",
        coming_back_cpu(recover=True),
        coming_back_cpu(recover=False),
    ),
    "recovering-reads": Scenario("the same: reads of the store by all 1,000", "reads", recovering_reads, most=10),
    "delta": Scenario(
        "delta of 2 KB of JSON with one field changed, once a topic", "µs", alone("delta", "cost"), most=100
    ),
    "delta-saved": Scenario("the same: saved of the bytes to each client", "%", alone("delta", "saved"), least=80),
    "delta-largest": Scenario("delta of 128 KB with nothing alike, once a topic", "µs", alone("delta", "largest")),
}

SDK_SCENARIOS = {
    "fan-out": Scenario(
        "delivery to 1,000 sockets, /connection/websocket beside /ws", "µs", fan_out_sdk, fan_out_ours, ratio=1.05
    ),
    "users": Scenario(
        "delivery to 1,000 users, /connection/websocket beside /ws",
        "µs",
        user_messages_sdk,
        user_messages_ours,
        ratio=1.05,
    ),
}
"""The same deliveries in the SDKs' protocol; what stands beside them is our plain protocol."""

PROTOCOLS = {"plain": SCENARIOS, "centrifugo": SDK_SCENARIOS}
