"""From arguments to a request."""

from __future__ import annotations

import ssl
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.client.address import make_address
from trio_gateway.model.position import START, Position


def address(url, **options):
    return make_address(url, **({"user": None, "token": None, "device": None, "ssl_context": None} | options))


@pytest.mark.parametrize(
    ("url", "host", "port", "authority", "path"),
    [
        ("ws://h", "h", 80, "h", "/ws"),
        ("ws://h/", "h", 80, "h", "/ws"),
        ("ws://h:8000", "h", 8000, "h:8000", "/ws"),
        ("wss://h", "h", 443, "h", "/ws"),
        ("wss://h:80/live", "h", 80, "h:80", "/live"),
        ("ws://[::1]:8000", "::1", 8000, "[::1]:8000", "/ws"),
        ("ws://h/ws?room=1", "h", 80, "h", "/ws?room=1"),
    ],
)
def test_a_url_says_where(url, host, port, authority, path):
    it = address(url)

    assert (it.host, it.port, it.authority, it.path) == (host, port, authority, path)


def test_tls_is_verified_by_default():
    assert address("wss://h").ssl_context.verify_mode is ssl.CERT_REQUIRED
    assert address("ws://h").ssl_context is None


def test_an_ssl_context_of_ones_own_is_taken():
    context = ssl.create_default_context()

    assert address("wss://h", ssl_context=context).ssl_context is context


def test_the_position_to_start_from_is_asked_for():
    assert "since=0&" in address("ws://h").target(START)
    assert "since=e%3A5" in address("ws://h").target(Position("e", 5))


def test_a_query_of_ones_own_is_kept():
    assert address("ws://h/ws?room=1", user="7").target(None) == "/ws?room=1&user=7&ping=json"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=32))
def test_any_user_id_survives_the_query(user):
    target = address("ws://h", user=user).target(None)

    assert parse_qs(urlsplit(target).query)["user"] == [user]


def test_the_token_stays_out_of_the_url_and_the_repr():
    it = address("ws://h", token="secret.token")

    assert "secret" not in it.target(None)
    assert "secret" not in repr(it)
