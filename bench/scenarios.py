"""All scenarios: how each is measured on the gateway, what stands beside it, and what it should reach."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import quote

import attrs
import jwt

from bench.load import Load, LoadClient, listening, loading
from bench.processes import LOAD_CORE, SERVER_CORE, BenchError, Cpu, resident_bytes, start, wait_until_idle
from bench.scenario import Measurement, Run, Scenario
from bench.servers import SECRET, Bench, Server

FAN_OUT = 1_000
FAN_OUT_RATE = 50
USERS = 1_000
USER_RATE = 10
FRAME_CLIENTS = 100
OPENINGS = 3_000
IDLE = 5_000
RECOVERING = 1_000
MISSED = 100
HOUR = 3_600.0
"""Seconds that a load client stays where its scenario ends it."""
SDK_PATH = "/connection/websocket"
INSECURE = ("--insecure", "--token-secret", SECRET)
"""Options of a gateway where a client may subscribe to what it likes, and has an inbox by its token."""


def subscribe(channel: str) -> str:
    """Write the frame that subscribes to a channel."""
    return f'{{"type":"subscribe","channel":"{channel}","ref":1}}'


def sdk_subscribe(channel: str, **more: object) -> str:
    """Write the command by which an SDK subscribes to a channel."""
    return json.dumps({"id": 2, "subscribe": {"channel": channel, **more}})


def sdk_load(bench: Bench, count: int, first: str = "") -> Load:
    """Let so many clients connect as an SDK does, each with a token of its own, and then send `first`."""
    firsts = bench.folder / "firsts"
    firsts.write_text("".join(f'{{"id":1,"connect":{{"token":"{token}"}}}}\n' for token in tokens(count)), "ascii")
    return Load(count, HOUR, SDK_PATH, firsts=firsts, first=first)


@attrs.frozen
class Feed:
    """Say what is published: into which channel, how many a second, and to how many clients each goes."""

    channel: str
    rate: int
    receivers: int
    subscriptions: int

    def publish(self, server: Server, seconds: float) -> None:
        """Publish at a steady rate until done; raises BenchError where that fails."""
        words = [server.kind, str(server.feed), self.channel, str(self.rate), str(seconds)]
        command = [sys.executable, "-m", "bench.publish", *words]
        with start(command, LOAD_CORE, stdout=subprocess.DEVNULL) as publisher:
            if publisher.wait(seconds * 5 + 10):
                raise BenchError("the publisher failed")


def deliver(bench: Bench, server: Server, load: Load, feed: Feed, seconds: float) -> Measurement:
    """Measure the µs of CPU per delivered message."""
    return deliver_to(loading(bench.load, load, server.port), load.connections, server, feed, seconds)


def deliver_to(
    clients: AbstractContextManager[LoadClient], connections: int, server: Server, feed: Feed, seconds: float
) -> Measurement:
    """Measure the µs of CPU per message delivered to these clients."""
    with clients as client:
        server.settle(connections, feed.subscriptions)
        with server.meter() as used_since:
            feed.publish(server, seconds)
            wait_until_idle(server.pid)
            used = used_since()
        report = client.finish()
    expected = int(feed.rate * seconds) * feed.receivers
    if report.messages != expected:
        raise BenchError(f"{server.kind}: {report.messages} messages arrived of {expected}")
    return Measurement(used.total / expected * 1e6, f"{used.split(expected)}; {report.latency}")


def fan_out(bench: Bench, server: Server, load: Load, seconds: float) -> Measurement:
    """Measure deliveries to 1,000 sockets of one channel at 50 messages/s; each has its inbox as well."""
    feed = Feed("bench", FAN_OUT_RATE, receivers=FAN_OUT, subscriptions=2 * FAN_OUT)
    return deliver(bench, server, load, feed, seconds)


def user_messages(bench: Bench, server: Server, load: Load, seconds: float) -> Measurement:
    """Measure deliveries to 1,000 users at 10 messages/s each."""
    feed = Feed(f"users:{USERS}", USERS * USER_RATE, receivers=1, subscriptions=USERS)
    return deliver(bench, server, load, feed, seconds)


def fan_out_ours(bench: Bench, seconds: float) -> Measurement:
    with bench.gateway(*INSECURE) as server:
        return fan_out(bench, server, Load(FAN_OUT, HOUR, first=subscribe("bench")), seconds)


def fan_out_sdk(bench: Bench, seconds: float) -> Measurement:
    with bench.gateway(*INSECURE) as server:
        return fan_out(bench, server, sdk_load(bench, FAN_OUT, sdk_subscribe("bench")), seconds)


def fan_out_events(bench: Bench, seconds: float) -> Measurement:
    feed = Feed("bench", FAN_OUT_RATE, receivers=FAN_OUT, subscriptions=FAN_OUT)
    asked = json.dumps({"subs": {"bench": {}}})
    path = f"/connection/uni_sse?cf_connect={quote(asked)}"
    with bench.gateway("--insecure") as server:
        return deliver_to(listening(FAN_OUT, server.port, path), FAN_OUT, server, feed, seconds)


def fan_out_floor(bench: Bench, seconds: float) -> Measurement:
    with bench.c_floor() as server:
        return fan_out(bench, server, Load(FAN_OUT, HOUR), seconds)


def user_messages_ours(bench: Bench, seconds: float) -> Measurement:
    with bench.gateway(*INSECURE) as server:
        return user_messages(bench, server, Load(USERS, HOUR), seconds)


def user_messages_sdk(bench: Bench, seconds: float) -> Measurement:
    with bench.gateway(*INSECURE) as server:
        return user_messages(bench, server, sdk_load(bench, USERS), seconds)


def user_messages_floor(bench: Bench, seconds: float) -> Measurement:
    with bench.c_floor() as server:
        return user_messages(bench, server, Load(USERS, HOUR), seconds)


@attrs.frozen
class Recovered:
    """Hold what it cost that all clients came back at once: CPU of the server, and reads of the store."""

    used: Cpu
    reads: int

    def measurement(self, value: float) -> Measurement:
        """Make one of both the figure, and tell the rest."""
        return Measurement(value, f"{self.used.split(RECOVERING)}; {self.reads} reads of the store")


def come_back(bench: Bench, *, recover: bool) -> Recovered:
    """Let 1,000 clients connect and subscribe at once; with `recover`, each gets the 100 publications that it missed."""
    with bench.gateway("--insecure") as server:
        Feed("bench", MISSED * 10, receivers=0, subscriptions=0).publish(server, 0.2)
        epoch, top = server.position("bench")
        wishes = {"recoverable": True, "recover": True, "epoch": epoch, "offset": top - MISSED} if recover else {}
        first = '{"id":1,"connect":{}}\n' + sdk_subscribe("bench", **wishes)
        with server.count_calls("tg1_read") as reads, server.meter() as used_since:
            with loading(bench.load, Load(RECOVERING, HOUR, SDK_PATH, first=first), server.port) as client:
                server.settle(RECOVERING, RECOVERING)
                used = used_since()
                report = client.finish()
            recovered = Recovered(used, reads())
    expected = RECOVERING * MISSED if recover else 0
    if report.messages != expected:
        raise BenchError(f"{report.messages} publications were recovered of {expected}")
    return recovered


def coming_back_cpu(*, recover: bool) -> Run:
    """Make the run that measures the µs of CPU per client."""

    def run(bench: Bench, _seconds: float) -> Measurement:
        recovered = come_back(bench, recover=recover)
        return recovered.measurement(recovered.used.total / RECOVERING * 1e6)

    return run


def recovering_reads(bench: Bench, _seconds: float) -> Measurement:
    """Measure the reads of the store by all clients together."""
    recovered = come_back(bench, recover=True)
    return recovered.measurement(recovered.reads)


def frames(depth: int) -> Run:
    """Make the run that counts small text frames answered per core-second, without Redis."""
    body = '{"type":"unsubscribe","channel":"x","ref":1}'

    def run(bench: Bench, seconds: float) -> Measurement:
        load = Load(FRAME_CLIENTS, seconds, body=body, match='"ref"', depth=depth)
        with (
            bench.gateway("--insecure") as server,
            loading(bench.load, load, server.port) as client,
            server.meter() as used_since,
        ):
            report = client.report()
            used = used_since()
        return Measurement(report.messages / used.total, f"{used.split(report.messages)}; {report.latency}")

    return run


def publishing(bench: Bench, seconds: float) -> Measurement:
    """Count publications by clients stored and answered per core-second: 100 clients of an SDK, 4 in flight each."""
    first = '{"id":1,"connect":{}}'
    body = json.dumps({"id": 2, "publish": {"channel": "bench", "data": "x" * 98}})
    load = Load(FRAME_CLIENTS, seconds, SDK_PATH, first=first, body=body, match='"publish":{}', depth=4)
    with (
        bench.gateway("--insecure") as server,
        loading(bench.load, load, server.port) as client,
        server.meter() as used_since,
    ):
        report = client.report()
        used = used_since()
    return Measurement(report.messages / used.total, f"{used.split(report.messages)}; {report.latency}")


def tokens(count: int) -> Iterator[str]:
    """Make a token for each of so many users."""
    return (jwt.encode({"sub": str(user)}, SECRET, algorithm="HS256") for user in range(count))


def token_paths(folder: Path, count: int) -> Path:
    """Write the paths of `count` users, each with a token of their own."""
    paths = folder / "paths"
    paths.write_text("".join(f"/ws?token={token}\n" for token in tokens(count)), encoding="ascii")
    return paths


def open_all(bench: Bench, server: Server, load: Load, *, ended: bool) -> Measurement:
    """Measure the µs of CPU per connection until the last one is served in full; with `ended`, until it is gone."""
    with server.meter() as used_since:
        with loading(bench.load, load, server.port) as client:
            wait_until_idle(server.pid)
            used = used_since()
            server.settle(load.connections, load.connections)
            client.finish()
        if ended:
            wait_until_idle(server.pid)
            used = used_since()
    cost = used.total / load.connections
    return Measurement(cost * 1e6, f"{used.split(load.connections)}; {1 / cost:.0f} per core-second")


def opening_ours(*, ended: bool) -> Run:
    def run(bench: Bench, _seconds: float) -> Measurement:
        load = Load(OPENINGS, HOUR, paths=token_paths(bench.folder, OPENINGS))
        with bench.gateway("--token-secret", SECRET) as server:
            return open_all(bench, server, load, ended=ended)

    return run


def opening_floor(*, ended: bool) -> Run:
    def run(bench: Bench, _seconds: float) -> Measurement:
        load = Load(OPENINGS, HOUR, paths=token_paths(bench.folder, OPENINGS))
        with bench.bare_trio() as server:
            return open_all(bench, server, load, ended=ended)

    return run


def hold(bench: Bench, server: Server) -> Measurement:
    """Measure the KB of memory per idle connection, each a user of their own."""
    before = resident_bytes(server.pid)
    with loading(bench.load, Load(IDLE, HOUR), server.port):
        server.settle(IDLE, IDLE)
        grown = resident_bytes(server.pid) - before
    return Measurement(grown / IDLE / 1024)


def idle_ours(bench: Bench, _seconds: float) -> Measurement:
    with bench.gateway("--insecure") as server:
        return hold(bench, server)


def idle_floor(bench: Bench, _seconds: float) -> Measurement:
    with bench.bare_trio() as server:
        return hold(bench, server)


def exchange(*, by_hypercorn: bool) -> Run:
    """Make the run that measures the µs of CPU for one health check on a socket that is kept."""

    def run(bench: Bench, seconds: float) -> Measurement:
        with bench.gateway("--insecure", "--public-health") as server:
            port = server.admin_port if by_hypercorn else server.port
            command = [sys.executable, "-m", "bench.exchanges", str(port), "/health/ready", str(seconds)]
            with server.meter() as used_since, start(command, LOAD_CORE, stdout=subprocess.PIPE) as process:
                answered = int(process.communicate(timeout=seconds * 5 + 10)[0])
                used = used_since()
        return Measurement(used.total / answered * 1e6, used.split(answered))

    return run


def alone(module: str, kind: str) -> Run:
    """Make the run of a module that measures by itself, without a gateway."""

    def run(_bench: Bench, seconds: float) -> Measurement:
        command = [sys.executable, "-m", f"bench.{module}", kind, str(seconds)]
        with start(command, SERVER_CORE, stdout=subprocess.PIPE) as process:
            return Measurement(float(process.communicate(timeout=seconds * 5 + 10)[0]))

    return run


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
