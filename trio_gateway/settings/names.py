"""Names that nobody knows are refused together with the nearest name that is known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggestion(name: str, known: Iterable[str], prefix: str = "") -> str:
    """Say `; did you mean …?` where a known name is near, else nothing; `prefix` stands before all of them."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {prefix}{near[0]}?" if near else ""
