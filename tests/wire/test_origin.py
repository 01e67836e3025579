"""Only allowed web pages connect; what is no web page is not asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.wire.origin import origin_allowed


def test_a_client_that_is_no_browser_is_allowed():
    assert origin_allowed(None, "example.com", ())
    assert origin_allowed(None, "example.com", ("https://other.example",))


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://example.com", "example.com"),
        ("https://example.com", "example.com:8443"),
        ("http://example.com:3000", "example.com:8000"),
        ("HTTPS://Example.COM", "example.com"),
        ("https://example.com", "EXAMPLE.com"),
        ("http://127.0.0.1:9000", "127.0.0.1:8000"),
        ("http://[::1]:9000", "[::1]:8000"),
        ("http://[::1]", "[::1]"),
    ],
)
def test_without_patterns_the_hosts_own_pages_are_allowed(origin, host):
    assert origin_allowed(origin, host)


@pytest.mark.parametrize("origin", ["file://", "file://example.com", "https://"])
def test_without_patterns_and_without_a_host_no_page_is_allowed(origin):
    assert not origin_allowed(origin, "")


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://example.com.evil.example",
        "https://sub.example.com",
        "https://evil.example/example.com",
        "https://example.com@evil.example",
        "https://example.com/",
        "null",
        "",
        "example.com",
        "file://",
        "http://[::1",
        "https://example.com:",
        "https://example.com:80:80",
    ],
)
def test_without_patterns_no_other_page_is_allowed(origin):
    assert not origin_allowed(origin, "example.com")


@pytest.mark.parametrize(
    ("origin", "pattern"),
    [
        ("https://app.example.com", "https://*.example.com"),
        ("https://a.b.example.com", "https://*.example.com"),
        ("https://App.Example.com", "HTTPS://*.EXAMPLE.COM"),
        ("https://app1.example.com", "https://app?.example.com"),
        ("http://localhost:3000", "http://localhost:*"),
        ("http://[::1]:3000", "http://[::1]:*"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("file://", "file://"),
        ("null", "null"),
        ("null", "*"),
        ("https://anything.example:1", "*"),
    ],
)
def test_a_pattern_allows_what_it_matches_as_a_whole(origin, pattern):
    assert origin_allowed(origin, "gateway.example", ("https://first.example", pattern))


@pytest.mark.parametrize(
    ("origin", "pattern"),
    [
        ("https://example.com", "https://*.example.com"),
        ("http://app.example.com", "https://*.example.com"),
        ("https://app.example.com:444", "https://*.example.com"),
        ("https://appxexample.com", "https://app.example.com"),
        ("https://evil.example/.example.com", "https://*.example.com"),
        ("https://evil.example#.example.com", "https://*.example.com"),
        ("https://gateway.example", "https://app.example.com"),
        ("null", "https://*"),
        ("not an origin", "*"),
    ],
)
def test_a_pattern_allows_nothing_else(origin, pattern):
    assert not origin_allowed(origin, "gateway.example", (pattern,))


@given(st.text(max_size=40), st.text(max_size=20), st.lists(st.text(max_size=10), max_size=2))
def test_arbitrary_origins_are_answered(origin, host, patterns):
    assert origin_allowed(origin, host, patterns) in (True, False)
