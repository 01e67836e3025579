"""Durations: what is one, and that writing undoes reading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.settings.duration import duration
from trio_gateway.settings.kind import written


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (10, 10.0),
        ("10", 10.0),
        ("0.5", 0.5),
        ("10s", 10.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("7d", 604_800.0),
        ("250ms", 0.25),
    ],
)
def test_seconds_and_parts_are_durations(text: float | str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "5 m", "-5s", "5x", "m5", "1e3", True, None, [5]])
def test_anything_else_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        duration(text)


@given(st.integers(0, 10**12))
def test_what_is_written_reads_as_the_same_duration(milliseconds: int) -> None:
    assert round(duration(written(milliseconds / 1000)) * 1000) == milliseconds


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (1.5, "1500ms"), (90, "90s"), (300, "5m"), (86_400, "1d")])
def test_a_duration_is_written_in_the_largest_unit_that_fits(seconds: float, text: str) -> None:
    assert written(seconds) == text
