"""PyJWT reads a token's form and judges its signature; whatever it raises is the token's fault, and no more than that."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256, sha384, sha512
from typing import Any, Final

import attrs
import jwt
from jwt.algorithms import HMACAlgorithm

from trio_gateway.model.errors import Unauthorized
from trio_gateway.session.keys import HMAC, PUBLIC, Key

MAX_TOKEN: Final = 65_536
"""Characters; a token that is longer is not looked at."""

# PyJWT's releases differ in what they forgive (padding, line breaks), and look at each character in Python.
_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")

# Not all of PyJWT's own: older releases raise a RecursionError for a header that is nested 10,000 deep.
_FAULTS: Final = (jwt.PyJWTError, RecursionError, OverflowError, ValueError, TypeError)


@attrs.frozen
class Header:
    """Hold what a token says of how it is signed: nothing to be believed. `kid` is empty where it names no key."""

    alg: str
    kid: str


class _Hmac(HMACAlgorithm):
    """Take a secret as it was prepared and judged at the start: PyJWT examines one at every token, and warns each time."""

    def prepare_key(self, key: str | bytes) -> bytes:
        assert isinstance(key, bytes), "a secret that nobody prepared"
        return key

    def check_key_length(self, key: bytes) -> None:  # noqa: ARG002 (PyJWT's signature)
        return None


def _make_jws() -> jwt.PyJWS:
    """Make what knows the algorithms of our keys and no others, `none` included."""
    jws = jwt.PyJWS(PUBLIC)
    for name, digest in zip(HMAC, (sha256, sha384, sha512), strict=True):
        jws.register_algorithm(name, _Hmac(digest))
    return jws


_jws: Final = _make_jws()


def header_segment(token: str) -> str:
    """Return a token's first part; raises Unauthorized for what has not the form of a token, without looking closer."""
    if len(token) > MAX_TOKEN or not _COMPACT.fullmatch(token):
        raise Unauthorized("the token is invalid: expected three parts in base64url, 64 KiB at most")
    return token.partition(".")[0]


def read_header(segment: str) -> Header:
    """Read a token's first part; raises Unauthorized for one that is malformed, or asks for an extension."""
    try:
        header: dict[str, Any] = _jws.get_unverified_header(f"{segment}..")
    except _FAULTS as error:
        raise Unauthorized(f"the token is invalid: its header: {error}") from error
    algorithm = header.get("alg")
    if not isinstance(algorithm, str):
        raise Unauthorized("the token is invalid: its header names no algorithm")
    return Header(algorithm, header.get("kid", ""))


def read_payload(token: str, keys: Iterable[Key]) -> bytes | None:
    """Return what one of the keys signed, None where none of them did; raises Unauthorized for a malformed token."""
    for key in keys:
        try:
            payload: bytes = _jws.decode_complete(token, key.material, algorithms=key.algorithms)["payload"]
        except jwt.InvalidSignatureError:
            continue
        except _FAULTS as error:
            raise Unauthorized(f"the token is invalid: {error}") from error
        return payload
    return None
