"""A scenario is one figure: how it is measured, what stands beside it, and what it is to reach."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from bench.servers import Bench


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
