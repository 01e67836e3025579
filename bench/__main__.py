"""The command line of the bench: runs the scenarios, ours and the floor in turn, and prints one table."""

from __future__ import annotations

import argparse
import sys

from bench.processes import BenchError
from bench.scenario import Run, Scenario
from bench.scenarios import PROTOCOLS, SDK_SCENARIOS
from bench.servers import Bench, prepared
from bench.table import Result, table


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("scenario", nargs="*", help=f"which to run (default: all): {', '.join(PROTOCOLS['plain'])}")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each side; the table has their medians")
    parser.add_argument("--seconds", type=float, default=6, help="length of one run, where it has one")
    parser.add_argument("--only", choices=["ours", "floor"], help="leave the other side out")
    parser.add_argument(
        "--protocol",
        choices=PROTOCOLS,
        default="plain",
        help=f"centrifugo: {' and '.join(SDK_SCENARIOS)} in the SDKs' protocol, beside our plain one instead of the floor",
    )
    parser.add_argument("--profile", action="store_true", help="sample the gateway, and show where its time goes")
    options = parser.parse_args()
    if unknown := set(options.scenario) - PROTOCOLS[options.protocol].keys():
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    return options


def note(text: str) -> None:
    """Tell who watches how far it is."""
    print(text, file=sys.stderr, flush=True)


def measure(bench: Bench, title: str, unit: str, run: Run, seconds: float) -> float:
    """Run once, and tell."""
    measured = run(bench, seconds)
    note(f"{title}: {measured.value:.1f} {unit} {measured.remark}")
    return measured.value


def interleave(bench: Bench, name: str, scenario: Scenario, options: argparse.Namespace) -> Result:
    """Run ours and the floor in turn, so that a noisy minute falls on both."""
    result: dict[str, list[float]] = {"ours": [], "floor": []}
    for _ in range(options.rounds):
        for side, run in (("ours", scenario.ours), ("floor", scenario.floor)):
            if run and options.only in (None, side):
                result[side].append(measure(bench, f"{name} {side}", scenario.unit, run, options.seconds))
    return Result(scenario, result["ours"], result["floor"])


def main() -> int:
    """Run what the command line says; exit code 1 where something could not be measured."""
    options = arguments()
    if options.profile:
        options.rounds, options.only = 1, "ours"
    try:
        with prepared(profile=options.profile) as bench:
            scenarios = PROTOCOLS[options.protocol]
            names = options.scenario or list(scenarios)
            results = [interleave(bench, name, scenarios[name], options) for name in names]
    except BenchError as error:
        note(f"bench: {error}")
        return 1
    if not options.only:
        print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
