"""Each scenario is one figure: how it is measured on the gateway, what stands beside it, and what it should reach."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import attrs
import jwt

from bench.load import Load, loading
from bench.processes import LOAD_CORE, SERVER_CORE, BenchError, resident_bytes, start, wait_until_idle
from bench.servers import SECRET, Bench, Server

FAN_OUT = 1_000
FAN_OUT_RATE = 50
USERS = 1_000
USER_RATE = 10
FRAME_CLIENTS = 100
OPENINGS = 3_000
IDLE = 5_000
HOUR = 3_600.0
"""Seconds that a load client stays where its scenario ends it."""


@attrs.frozen
class Measurement:
    """Hold what one run gave: the figure, and a remark for who watches."""

    value: float
    remark: str = ""


Run = Callable[[Bench, float], Measurement]
"""Measures once, for so many seconds where the scenario has a length."""


@attrs.frozen
class Scenario:
    """Describe one figure, with what it should reach: at most so many times the floor, or a value at most or at least."""

    name: str
    unit: str
    ours: Run
    floor: Run | None = None
    ratio: float | None = None
    most: float | None = None
    least: float | None = None


def subscribe(channel: str) -> str:
    """Write the frame that subscribes to a channel."""
    return f'{{"type":"subscribe","channel":"{channel}","ref":1}}'


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
    with loading(bench.load, load, server.port) as client:
        server.settle(load.connections, feed.subscriptions)
        with server.meter() as used_since:
            feed.publish(server, seconds)
            wait_until_idle(server.pid)
            used = used_since()
        report = client.finish()
    expected = int(feed.rate * seconds) * feed.receivers
    if report.messages != expected:
        raise BenchError(f"{server.kind}: {report.messages} messages arrived of {expected}")
    return Measurement(used.total / expected * 1e6, f"{used.split(expected)}; {report.latency}")


def fan_out(bench: Bench, server: Server, seconds: float, first: str = "") -> Measurement:
    """Measure deliveries to 1,000 sockets of one channel at 50 messages/s; each has its inbox as well."""
    feed = Feed("bench", FAN_OUT_RATE, receivers=FAN_OUT, subscriptions=2 * FAN_OUT)
    return deliver(bench, server, Load(FAN_OUT, HOUR, first=first), feed, seconds)


def user_messages(bench: Bench, server: Server, seconds: float) -> Measurement:
    """Measure deliveries to 1,000 users at 10 messages/s each."""
    feed = Feed(f"users:{USERS}", USERS * USER_RATE, receivers=1, subscriptions=USERS)
    return deliver(bench, server, Load(USERS, HOUR), feed, seconds)


def fan_out_ours(bench: Bench, seconds: float) -> Measurement:
    with bench.gateway("--insecure") as server:
        return fan_out(bench, server, seconds, subscribe("bench"))


def fan_out_floor(bench: Bench, seconds: float) -> Measurement:
    with bench.c_floor() as server:
        return fan_out(bench, server, seconds)


def user_messages_ours(bench: Bench, seconds: float) -> Measurement:
    with bench.gateway("--insecure") as server:
        return user_messages(bench, server, seconds)


def user_messages_floor(bench: Bench, seconds: float) -> Measurement:
    with bench.c_floor() as server:
        return user_messages(bench, server, seconds)


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


def token_paths(folder: Path, count: int) -> Path:
    """Write the paths of `count` users, each with a token of their own."""
    tokens = (jwt.encode({"sub": str(user)}, SECRET, algorithm="HS256") for user in range(count))
    paths = folder / "paths"
    paths.write_text("".join(f"/ws?token={token}\n" for token in tokens), encoding="ascii")
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


def wake(kind: str) -> Run:
    """Make the run that measures what one wake for a quiet feed costs, without any code of the gateway."""

    def run(_bench: Bench, seconds: float) -> Measurement:
        command = [sys.executable, "-m", "bench.wake", kind, str(seconds)]
        with start(command, SERVER_CORE, stdout=subprocess.PIPE) as process:
            return Measurement(float(process.communicate(timeout=seconds * 5 + 10)[0]))

    return run


SCENARIOS = {
    "fan-out": Scenario("delivery to 1,000 sockets of one channel, 50/s", "µs", fan_out_ours, fan_out_floor, ratio=1.4),
    "users": Scenario("delivery to 1,000 users, 10/s each", "µs", user_messages_ours, user_messages_floor, ratio=2.5),
    "frames": Scenario("small frames answered, 100 clients, 1 in flight", "/core-s", frames(1), least=20_000),
    "frames-4": Scenario("small frames answered, 100 clients, 4 in flight", "/core-s", frames(4), least=20_000),
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
    "wake": Scenario(
        "bare Trio woken for one read of a quiet feed, beside bare epoll", "µs", wake("trio"), wake("epoll")
    ),
    "idle": Scenario("memory of an idle connection", "KB", idle_ours, idle_floor, most=34),
}
