"""A key verifies with the algorithms of its own family and no others, so a public key's text is never a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import attrs
import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from trio_gateway.model.errors import Unauthorized
from trio_gateway.session.jwk import Jwk, read_set

HMAC: Final = ("HS256", "HS384", "HS512")
RSA: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
CURVES: Final = {"secp256r1": ("ES256",), "secp384r1": ("ES384",), "secp521r1": ("ES512",)}
ED25519: Final = ("EdDSA",)
PUBLIC: Final = (*RSA, *(name for names in CURVES.values() for name in names), *ED25519)
"""The algorithms whose keys may be published."""

RSA_BITS: Final = range(2048, 16_384 + 1)
"""RFC 7518 §3.3 wants 2048 at least; a longer key than that would take milliseconds for each token."""

_PEM_BLOCK: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)


class UnknownKey(Unauthorized):
    """Refuse a token that a key has signed which may be published by now (101): fetch the keys, and try again."""


@attrs.frozen
class Key:
    """Hold one prepared key with all that it may be used for; `id` is empty for one that has none."""

    algorithms: tuple[str, ...]
    material: Any = attrs.field(repr=False)
    id: str = ""


def secret_key(secret: str | bytes, id: str = "") -> Key:
    """Prepare a secret; raises ValueError for one that is empty, or a public or private key."""
    try:
        return Key(HMAC, jwt.get_algorithm_by_name(HMAC[0]).prepare_key(secret), id)
    except jwt.InvalidKeyError as error:
        raise ValueError(str(error)) from error


def public_keys(pem: bytes) -> tuple[Key, ...]:
    """Read the public keys of a PEM file; raises ValueError where there is none, or one that can't be used."""
    kinds = [block[1].decode() for block in _PEM_BLOCK.finditer(pem)]
    if private := [kind for kind in kinds if "PRIVATE" in kind]:
        raise ValueError(f"it holds a {private[0].lower()}, which belongs to the tokens' issuer alone")
    keys = tuple(_read_public(block[0]) for block in _PEM_BLOCK.finditer(pem))
    if not keys:
        raise ValueError("it holds no PUBLIC KEY")
    return keys


def key_set(text: bytes, *, secrets: bool) -> tuple[Key, ...]:
    """Read a JWK set; those of its keys that can't verify tokens are left out (RFC 7517 §5).

    `secrets` says whether it may hold such, too. Raises ValueError for what is no JWK set of at most 100 keys.
    """
    return tuple(key for jwk in read_set(text) for key in _usable(jwk, secrets=secrets))


def _read_public(pem: bytes) -> Key:
    try:
        return _key_of(load_pem_public_key(pem))
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from error


def _key_of(material: Any, id: str = "") -> Key:
    if isinstance(material, RSAPublicKey) and material.key_size in RSA_BITS:
        return Key(RSA, material, id)
    if isinstance(material, EllipticCurvePublicKey) and material.curve.name in CURVES:
        return Key(CURVES[material.curve.name], material, id)
    if isinstance(material, Ed25519PublicKey):
        return Key(ED25519, material, id)
    raise ValueError("expected an RSA key of 2048 to 16384 bits, an EC key on P-256, P-384 or P-521, or an Ed25519 key")


def _usable(jwk: Jwk, *, secrets: bool) -> Iterator[Key]:
    """Give the key of a JWK, or nothing where it can't verify tokens."""
    if jwk.kty == "oct" and not secrets:
        return
    try:
        material = jwk.read()
        key = secret_key(material, jwk.kid) if jwk.kty == "oct" else _key_of(material, jwk.kid)
    except ValueError:
        return
    algorithms = tuple(name for name in key.algorithms if jwk.alg in (None, name))
    if algorithms:
        yield attrs.evolve(key, algorithms=algorithms)
