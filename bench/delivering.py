"""How a delivery is measured: a publisher at a steady rate, and clients that must get everything."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import AbstractContextManager
from urllib.parse import quote

import attrs

from bench.load import HOUR, SDK_PATH, Load, LoadClient, listening, loading
from bench.processes import LOAD_CORE, BenchError, start, wait_until_idle
from bench.scenario import Measurement
from bench.servers import INSECURE, Bench, Server
from bench.tokens import tokens

FAN_OUT = 1_000
FAN_OUT_RATE = 50
USERS = 1_000
USER_RATE = 10


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
