"""What it costs that all clients come back at once, and what they missed."""

from __future__ import annotations

import attrs

from bench.delivering import Feed, sdk_subscribe
from bench.load import HOUR, SDK_PATH, Load, loading
from bench.processes import BenchError, Cpu
from bench.scenario import Measurement, Run
from bench.servers import Bench

RECOVERING = 1_000
MISSED = 100


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
