"""The secrets of one chat: made up at its first start, and kept in a file that only its owner may read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import msgspec

FILE = "keys.json"


class Keys(msgspec.Struct, frozen=True):
    """Hold what the back end and the gateway share, and what signs the cookies."""

    token_secret: str
    api_key: str
    cookie_secret: str


def load_keys(directory: Path) -> Keys:
    """Read the keys of a data directory, or make them up; raises OSError, and ValueError where the file is broken."""
    path = directory / FILE
    if not path.exists():
        _write(path, Keys(*(secrets.token_urlsafe(32) for _ in range(3))))
    try:
        return msgspec.json.decode(path.read_bytes(), type=Keys)
    except msgspec.DecodeError as broken:
        raise ValueError(f"{path} is broken ({broken}): remove it, and everybody logs in anew") from None


def _write(path: Path, keys: Keys) -> None:
    """Write the file as a whole or not at all, for its owner alone from the first byte on."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.encode(keys))
    draft.replace(path)
