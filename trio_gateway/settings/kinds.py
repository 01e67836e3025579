"""Every kind of value that an option has; each is told here once, with what it expects."""

from __future__ import annotations

import ipaddress
import re
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from trio_gateway.settings.kind import Kind, choice, many, matching, require, seconds, text, whole

HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?")
SLUG = re.compile(r"[A-Za-z0-9_.-]{1,64}")
PUBLIC_KEY = re.compile(r"\s*-----BEGIN ((RSA )?PUBLIC KEY|CERTIFICATE)-----[A-Za-z0-9+/=\s]+-----END \1-----\s*")
"""A key in PEM (RFC 7468 §13), without headers; a private key is none."""

REDIS_SCHEMES = ("redis", "rediss", "unix")
TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}

SHORTEST_PRESENCE = 3.0
"""Seconds; members are renewed within it, and less would drop them whenever the store answers late."""


def compiles(pattern: str) -> str:
    """Return a regular expression, or raise ValueError where it is none."""
    with warnings.catch_warnings():
        # What Python may come to read otherwise some day ("possible nested set") is no fault today.
        warnings.simplefilter("ignore", FutureWarning)
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(str(error)) from None
    return pattern


def _secret(raw: Any) -> str:
    # What `trio-gateway config` prints in a secret's place must never become one.
    return str(require(text(raw) != "***", raw))


def _host(raw: Any) -> str:
    try:
        return str(ipaddress.ip_address(text(raw)))
    except ValueError:
        return str(require(bool(HOST_NAME.fullmatch(text(raw))), raw))


def _redis_url(raw: Any) -> str:
    parts = urlsplit(text(raw))
    require(parts.scheme in REDIS_SCHEMES and bool(parts.path if parts.scheme == "unix" else parts.hostname), raw)
    _ = parts.port  # raises ValueError where it is no number
    return str(raw)


def _origins(raw: Any) -> str:
    pattern = text(raw)
    # Without a scheme it could match no origin, and nobody would learn why all are refused.
    return str(require("://" in pattern or "*" in pattern or pattern == "null", raw))


def _regex(raw: Any) -> str:
    if raw == "":
        return ""
    return compiles(text(raw))


def _flag(raw: Any) -> bool:
    if isinstance(raw, str) and raw.lower() in TRUTH:
        return TRUTH[raw.lower()]
    return bool(require(isinstance(raw, bool), raw))


def _path(raw: Any) -> Path:
    return Path(text(str(raw) if isinstance(raw, Path) else raw)).expanduser()


def _public_key(raw: Any) -> Path | str:
    return raw.strip() if isinstance(raw, str) and PUBLIC_KEY.fullmatch(raw) else _path(raw)


PORT = whole(0, 65_535, expected="a port from 0 to 65535 (0: any free one)", sign="PORT")
COUNT = whole(1)
COUNT_OR_NONE = whole(0)
DURATION = seconds(zero=False)
DURATION_OR_NONE = seconds(zero=True)
PRESENCE = seconds(zero=False, least=SHORTEST_PRESENCE)
HOST = Kind("a host name or an IP address without a port", _host, "HOST")
REDIS_URL = Kind("a URL such as redis://:password@host:6379/0, rediss://… or unix:///path", _redis_url, "URL")
TEXT = Kind("text that is not empty", text, "TEXT")
SECRET = Kind("text that is not empty, and no ***", _secret, "SECRET")
FLAG = Kind("true or false", _flag, "", flag=True)
REGEX = Kind("a regular expression, as Python has them", _regex, "REGEX")
FILE = Kind("the path of a file", _path, "FILE", str)
DIRECTORY = Kind("the path of a directory", _path, "DIR", str)
PREFIX = matching(re.compile(r"[A-Za-z0-9_.:-]{1,64}"), "1 to 64 of A-Z a-z 0-9 _ . : -", "PREFIX")
NAME = matching(SLUG, "1 to 64 of A-Z a-z 0-9 _ . -", "NAME")
SECRETS = many(Kind("", _secret, "SECRET"), expected="texts that are not empty, and no ***")
PUBLIC_KEYS = many(Kind("", _public_key, "FILE", str), expected="paths of PEM files, or public keys as PEM text")
ALGORITHMS = many(
    choice(
        *("HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        *("ES256", "ES384", "ES512", "EdDSA"),
    ),
    expected="names of JWT algorithms, such as HS256, RS256, ES256, EdDSA",
)
DELTA_TYPES = many(choice("fossil"), expected="names of delta types: fossil is the only one")
HTTP_URL = matching(re.compile(r"https?://[^\s/?#]+[^\s#]*"), "a URL such as https://example.com/keys", "URL")
PATTERNS = many(Kind("", _origins, "PATTERN"), expected="globs over whole origins, such as https://*.example.com")
NETWORKS = many(
    Kind("", lambda raw: str(ipaddress.ip_network(text(raw), strict=False)), "NETWORK"),
    expected="IP addresses or networks, such as 10.0.0.0/8",
)
