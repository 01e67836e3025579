"""A JWK set (RFC 7517) is read without trust: members that are malformed or for something else are left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm

MAX_KEYS: Final = 100
"""Keys of one set; issuers publish two or three."""

MAX_NUMBER: Final = 4096
"""Characters of one number: an RSA modulus of 16,384 bits has 2,731 in base64url."""

_READERS: Final = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA", "oct": "HS256"}
"""An algorithm of each type of key, by which PyJWT finds what reads it."""

_PUBLIC: Final = ("kty", "crv", "n", "e", "x", "y", "k")
"""The members that make a key to verify with: of a private key that was published by mistake, only these are used."""


class Jwk(msgspec.Struct):
    """Hold the members of a key that matter here."""

    kty: str
    kid: str = ""
    use: str = "sig"
    key_ops: tuple[str, ...] = ("verify",)
    alg: str | None = None
    crv: str = ""
    n: str = ""
    e: str = ""
    x: str = ""
    y: str = ""
    k: str = ""

    @property
    def verifies(self) -> bool:
        """Tell whether it is for signatures."""
        return self.use == "sig" and "verify" in self.key_ops

    def read(self) -> Any:
        """Give what PyJWT's algorithms verify with; raises ValueError where it can't be read."""
        members = {name: value for name in _PUBLIC if (value := getattr(self, name))}
        if self.kty not in _READERS or any(len(value) > MAX_NUMBER for value in members.values()):
            raise ValueError("expected an RSA, EC, OKP or oct key of a usual size")
        try:
            return jwt.get_algorithm_by_name(_READERS[self.kty]).from_jwk(members)
        except (jwt.PyJWTError, KeyError, TypeError, OverflowError, UnsupportedAlgorithm) as error:
            raise ValueError(f"the key can't be read: {error}") from error


class _Set(msgspec.Struct):
    keys: list[msgspec.Raw]


_sets = msgspec.json.Decoder(_Set)
_keys = msgspec.json.Decoder(Jwk)


def read_set(text: bytes) -> Iterator[Jwk]:
    """Read the keys of a set that are for signatures; raises ValueError for what is no JWK set, or of too many keys."""
    try:
        members = _sets.decode(text).keys
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"expected a JWK set: {error}") from error
    if len(members) > MAX_KEYS:
        raise ValueError(f"expected a JWK set of at most {MAX_KEYS} keys, not {len(members)}")
    return (jwk for member in members for jwk in _read_key(member) if jwk.verifies)


def _read_key(member: msgspec.Raw) -> Iterator[Jwk]:
    try:
        yield _keys.decode(member)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
