"""Keys to sign tokens with, in every form in which the gateway is given their public halves."""

from __future__ import annotations

import base64
import json
from functools import cache

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from trio_gateway.model.errors import Unauthorized
from trio_gateway.session.tokens import Verifier
from trio_gateway.settings.settings import Settings

SECRET = "a secret that is long enough for HS512. " * 2
OTHER_SECRET = "another secret that is long enough, too. " * 2

FAMILIES = {
    "rsa": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "p256": ("ES256",),
    "p384": ("ES384",),
    "p521": ("ES512",),
    "ed25519": ("EdDSA",),
}
PUBLIC = [(family, algorithm) for family, algorithms in FAMILIES.items() for algorithm in algorithms]

_MAKERS = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "short rsa": lambda: rsa.generate_private_key(65537, 1024),
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


def private(family, number=0):
    """Make a private key; another number, another key."""
    return _made(family, number)


@cache
def _made(family, _number):
    return _MAKERS[family]()


def pem(family, number=0):
    """Write the public half as PEM."""
    key = private(family, number).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def ssh_text(family):
    """Write the public half as SSH has it, in one line."""
    return private(family).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def private_pem(family):
    return private(family).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def jwk(family, number=0, **more):
    """Write the public half as a JWK, with further members."""
    algorithm = jwt.get_algorithm_by_name(
        {"secp256k1": "ES256K", "short rsa": "RS256"}.get(family) or FAMILIES[family][0]
    )
    members = algorithm.to_jwk(private(family, number).public_key(), as_dict=True)
    members.pop("key_ops", None)
    return {**members, **more}


def jwks(*keys):
    return json.dumps({"keys": keys}).encode()


def signed(claims=None, *, key=SECRET, algorithm="HS256", **headers):
    """Sign what PyJWT would refuse to sign, too; text is signed as it is."""
    text = claims if isinstance(claims, bytes) else json.dumps({"sub": "7"} if claims is None else claims).encode()
    return jwt.api_jws.encode(text, key, algorithm=algorithm, headers=headers or None)


def verifier(*, now=None, **options):
    clock = {} if now is None else {"clock": lambda: now}
    return Verifier.of(Settings(**{"token_secret": SECRET, **options}), **clock)


def segment(text):
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def unsigned(header, claims=b"{}", signature="AAAA"):
    return f"{segment(header)}.{segment(claims)}.{signature}"


def accepts(judge, token):
    try:
        return judge.connection(token).user == "7"
    except Unauthorized:
        return False


def of_public_keys(**options):
    return verifier(**{"token_secret": None, **options})
