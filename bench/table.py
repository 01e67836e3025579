"""One table shows every figure beside its floor: medians, the ratio, and what was to be reached."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import attrs

from bench.scenario import Scenario

HEAD = ("figure", "unit", "ours", "floor", "ratio", "target", "reached")
REACHED = {True: "yes", False: "NO", None: ""}


@attrs.frozen
class Result:
    """Hold all runs of one scenario; `floor` is empty where nothing stands beside it."""

    scenario: Scenario
    ours: Sequence[float]
    floor: Sequence[float]

    @property
    def ratio(self) -> float | None:
        """Divide the medians."""
        return statistics.median(self.ours) / statistics.median(self.floor) if self.floor else None

    @property
    def reached(self) -> bool | None:
        """Tell whether the target was reached; None for a scenario without one."""
        scenario, value = self.scenario, statistics.median(self.ours)
        if scenario.ratio is not None:
            return self.ratio is not None and self.ratio <= scenario.ratio
        if scenario.most is not None:
            return value <= scenario.most
        return None if scenario.least is None else value >= scenario.least


def number(value: float) -> str:
    """Write a figure with as many digits as it is worth."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def middle(values: Sequence[float]) -> str:
    """Write the median, and the range in brackets where there were more runs than one."""
    if not values:
        return ""
    text = number(statistics.median(values))
    return text if len(values) == 1 else f"{text} ({number(min(values))}–{number(max(values))})"


def target(scenario: Scenario) -> str:
    """Write what a scenario is to reach."""
    if scenario.ratio is not None:
        return f"≤ {scenario.ratio:g} × floor"
    if scenario.most is not None:
        return f"≤ {number(scenario.most)}"
    return f"≥ {number(scenario.least)}" if scenario.least is not None else ""


def row(result: Result) -> tuple[str, ...]:
    """Write one line of the table."""
    ratio = f"{result.ratio:.2f}" if result.ratio else ""
    names = (result.scenario.name, result.scenario.unit)
    return (
        *names,
        middle(result.ours),
        middle(result.floor),
        ratio,
        target(result.scenario),
        REACHED[result.reached],
    )


def table(results: Sequence[Result]) -> str:
    """Write the whole table as Markdown."""
    rows = [HEAD, *map(row, results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in rows
    ]
    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return "\n".join([lines[0], rule, *lines[1:]])
