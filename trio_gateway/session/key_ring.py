"""A token's header says which keys it is tried with; which algorithms count at all, the configuration says.

So a token can't choose how it is examined (RFC 8725 §2.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from trio_gateway.model.errors import Unauthorized
from trio_gateway.session.jws import Header, read_header
from trio_gateway.session.keys import PUBLIC, Key

MAX_TRIED: Final = 10
"""Keys that one token is tried with, where its header does not say which one signed it."""

MAX_HEADERS: Final = 256
MAX_HEADER: Final = 512
"""How many headers are remembered, and characters of one that is: an issuer sends the same few over and over."""


@attrs.frozen
class Candidates:
    """List the keys that a token is tried with; `fetch`: if none fits, a newer set of keys may have the one."""

    keys: Sequence[Key]
    fetch: bool


class KeyRing:
    """Find the keys that may have signed a token, by its header.

    `algorithms` are those that count, all where there is none; `fetches` says that the public keys of
    `take` come from elsewhere, and a newer set may be had.
    """

    def __init__(self, keys: Sequence[Key], algorithms: Sequence[str] = (), *, fetches: bool = False) -> None:
        self._fetches = fetches
        fitting = {name for key in keys for name in key.algorithms} | set(PUBLIC if fetches else ())
        self.algorithms = frozenset(fitting & set(algorithms) if algorithms else fitting)
        self._own = self._narrowed(keys)
        self._fetched: tuple[Key, ...] | None = None
        self._known: dict[str, Candidates] = {}

    def take(self, keys: Sequence[Key]) -> None:
        """Replace the keys that were taken last."""
        self._fetched = self._narrowed(keys)
        self._known.clear()

    def find(self, header: str) -> Candidates:
        """Give what a token with this header (its first segment) is tried with; costs no cryptography.

        Raises Unauthorized for a header that is malformed, or that nothing here fits.
        """
        known = self._known.get(header)
        return self._read(header) if known is None else known

    def _read(self, segment: str) -> Candidates:
        header = read_header(segment)
        if header.alg not in self.algorithms:
            raise Unauthorized("the token is invalid: no key here is for its algorithm")
        found = Candidates(_fitting(self._all(), header), self._may_fetch(header))
        if not found.keys and not found.fetch:
            raise Unauthorized("the token is invalid: its key is unknown")
        if len(segment) <= MAX_HEADER:
            if len(self._known) >= MAX_HEADERS:
                self._known.clear()
            self._known[segment] = found
        return found

    def _narrowed(self, keys: Sequence[Key]) -> tuple[Key, ...]:
        """Leave of each key's algorithms those that count here."""
        return tuple(
            attrs.evolve(key, algorithms=tuple(name for name in key.algorithms if name in self.algorithms))
            for key in keys
        )

    def _all(self) -> tuple[Key, ...]:
        return (*self._own, *(self._fetched or ()))

    def _may_fetch(self, header: Header) -> bool:
        if not self._fetches or header.alg not in PUBLIC:
            return False
        return all(key.id != header.kid for key in self._all()) if header.kid else self._fetched is None


def _fitting(keys: Sequence[Key], header: Header) -> Sequence[Key]:
    fitting = [
        key for key in keys if header.alg in key.algorithms and (not (key.id and header.kid) or key.id == header.kid)
    ]
    # The key that the header names comes first.
    return sorted(fitting, key=lambda key: key.id != header.kid)[:MAX_TRIED]
