"""What a connection costs from its opening to its end, and while nothing happens on it."""

from __future__ import annotations

from bench.load import HOUR, Load, loading
from bench.processes import resident_bytes, wait_until_idle
from bench.scenario import Measurement, Run
from bench.servers import SECRET, Bench, Server
from bench.tokens import token_paths

OPENINGS = 3_000
IDLE = 5_000


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
