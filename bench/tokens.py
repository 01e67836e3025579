"""Tokens of the users that load clients are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jwt

from bench.servers import SECRET


def tokens(count: int) -> Iterator[str]:
    """Make a token for each of so many users."""
    return (jwt.encode({"sub": str(user)}, SECRET, algorithm="HS256") for user in range(count))


def token_paths(folder: Path, count: int) -> Path:
    """Write the paths of `count` users, each with a token of their own."""
    paths = folder / "paths"
    paths.write_text("".join(f"/ws?token={token}\n" for token in tokens(count)), encoding="ascii")
    return paths
