"""A glob chooses names: `*` is any text, `?` one character, `[a-c]` one of some, `{a,b}` one of some texts."""

from __future__ import annotations

import fnmatch
import re

from trio_gateway.model.errors import BadRequest

MAX_GLOB_LENGTH = 1024
MAX_ALTERNATIVES = 64
"""Of all `{…}` of one glob together: each makes an expression of its own."""


def compile_glob(glob: str) -> re.Pattern[str]:
    """Make the expression to `match` names with; an empty glob matches every name.

    Raises BadRequest for one that is too long, has too many alternatives, or a bracket that is not closed.
    """
    if len(glob) > MAX_GLOB_LENGTH:
        raise BadRequest(f"a pattern has at most {MAX_GLOB_LENGTH} characters")
    plain = _spread(glob or "*")
    for one in plain:
        _check_brackets(one)
    # Where `*` stands, fnmatch never goes back, so no pattern takes longer than the name's square.
    return re.compile("|".join(fnmatch.translate(one) for one in plain))


def _spread(glob: str) -> list[str]:
    """Write the alternatives out: `a{b,c}` becomes `ab` and `ac`; they do not nest."""
    spread = [""]
    for text, alternatives in _pieces(glob):
        spread = [f"{one}{text}{other}" for one in spread for other in alternatives]
        if len(spread) > MAX_ALTERNATIVES:
            raise BadRequest(f"a pattern has at most {MAX_ALTERNATIVES} alternatives")
    return spread


def _pieces(glob: str) -> list[tuple[str, list[str]]]:
    pieces = []
    while glob:
        text, opening, glob = glob.partition("{")
        inside, closing, glob = glob.partition("}") if opening else ("", "", "")
        if opening and (not closing or "{" in inside):
            raise BadRequest("a { of the pattern is not closed, or another one is in it")
        pieces.append((text, inside.split(",")))
    return pieces


def _check_brackets(glob: str) -> None:
    """Raise BadRequest for a `[` that is not closed: fnmatch would look for the character itself."""
    if "[" in re.sub(r"\[!?\]?+[^\]]*\]", "", glob):
        raise BadRequest("a [ of the pattern is not closed")
