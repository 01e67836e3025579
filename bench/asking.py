"""What it costs to answer clients, and what stands alone beside it."""

from __future__ import annotations

import json
import subprocess
import sys

from bench.load import SDK_PATH, Load, loading
from bench.processes import LOAD_CORE, SERVER_CORE, start
from bench.scenario import Measurement, Run
from bench.servers import Bench

CLIENTS = 100


def count_answers(bench: Bench, load: Load) -> Measurement:
    """Count what is answered to these clients per core-second."""
    with (
        bench.gateway("--insecure") as server,
        loading(bench.load, load, server.port) as client,
        server.meter() as used_since,
    ):
        report = client.report()
        used = used_since()
    return Measurement(report.messages / used.total, f"{used.split(report.messages)}; {report.latency}")


def frames(depth: int) -> Run:
    """Make the run that counts small text frames answered per core-second, without Redis."""
    body = '{"type":"unsubscribe","channel":"x","ref":1}'

    def run(bench: Bench, seconds: float) -> Measurement:
        load = Load(CLIENTS, seconds, body=body, match='"ref"', depth=depth)
        return count_answers(bench, load)

    return run


def publishing(bench: Bench, seconds: float) -> Measurement:
    """Count publications by clients stored and answered per core-second: 100 clients of an SDK, 4 in flight each."""
    first = '{"id":1,"connect":{}}'
    body = json.dumps({"id": 2, "publish": {"channel": "bench", "data": "x" * 98}})
    load = Load(CLIENTS, seconds, SDK_PATH, first=first, body=body, match='"publish":{}', depth=4)
    return count_answers(bench, load)


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
