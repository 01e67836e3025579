"""Centrifugo's engine becomes the URL of one Redis, or our own store."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.broker.redis.address import parse_address
from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.centrifugo.engine import redis_url
from trio_gateway.settings.settings import Settings


def url(**redis: Any) -> str | None:
    return redis_url({"engine.type": "redis", **{f"engine.redis.{name}": value for name, value in redis.items()}})


def tls(**options: Any) -> dict[str, Any]:
    return {f"tls.{name}": value for name, value in {"enabled": True, **options}.items()}


@pytest.mark.parametrize("options", [{}, {"engine.type": "memory"}, {"engine.redis.address": "db:6379"}])
def test_the_memory_engine_is_our_own_store(options: dict[str, Any]) -> None:
    assert redis_url(options) is None


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, "redis://127.0.0.1:6379/0"),
        ({"address": "db:6380"}, "redis://db:6380/0"),
        ({"address": ["redis://db"], "db": 2}, "redis://db/2"),
        ({"address": "redis://:p@db:1/3", "password": "q", "db": 2}, "redis://:p@db:1/3"),
        ({"address": "tcp://db:1"}, "redis://db:1/0"),
        ({"address": "rediss://db:1"}, "rediss://db:1/0"),
        ({"address": "[::1]:6379"}, "redis://[::1]:6379/0"),
        ({"address": "unix:///run/redis.sock"}, "unix:///run/redis.sock"),
        ({"address": "/run/redis.sock", "db": 1, "password": "p"}, "unix://:p@/run/redis.sock?db=1"),
        ({"address": "db:1", "user": "me", "password": "p@/:"}, "redis://me:p%40%2F%3A@db:1/0"),
        ({"address": "db:1", **tls()}, "rediss://db:1/0"),
        ({"address": "db:1", **tls(enabled=False)}, "redis://db:1/0"),
        (
            {"address": "db:1", **tls(server_ca_pem_file="/ca.pem", cert_pem="/c", key_pem="/k")},
            "rediss://db:1/0?ssl_ca_certs=%2Fca.pem&ssl_certfile=%2Fc&ssl_keyfile=%2Fk",
        ),
    ],
)
def test_the_redis_engine_is_one_url(given: dict[str, Any], made: str) -> None:
    assert url(**given) == made
    assert Settings(redis_url=made).redis_url == made


@pytest.mark.parametrize(
    "address",
    [
        ["a:1", "b:1"],
        "a:1,b:1",
        "redis+sentinel://a:1",
        "redis://a:1?sentinel_master_name=m",
        "redis://:hush@a:port",
        "redis://[a",
        5,
        [5],
        {"a": 1},
    ],
)
def test_what_is_not_one_redis_is_refused_without_repeating_it(address: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^engine.redis.address: expected one address") as caught:
        url(address=address)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"engine.type": "nats"}, "^engine.type: "),
        ({"engine.type": "redis", "engine.redis.db": "x"}, "^engine.redis.db: expected a whole number"),
        ({"engine.type": "redis", "engine.redis.password": 5}, "^engine.redis.password: expected text"),
        (
            {"engine.type": "redis", "engine.redis.tls.enabled": True, "engine.redis.tls.cert_pem": "-----BEGIN …"},
            "^engine.redis.tls.cert_pem: expected the path of a file",
        ),
    ],
)
def test_what_is_wrong_is_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        redis_url(options)


@given(st.text(min_size=1), st.text(min_size=1))
def test_any_user_and_password_arrive_as_they_are(user: str, password: str) -> None:
    made = url(address="db:1", user=user, password=password) or ""
    address = parse_address(made)
    assert (address.username, address.password) == (user, password)
    assert unquote(made).endswith("@db:1/0")
