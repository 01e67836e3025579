"""Addresses: what a URL says, and nothing secret where it is shown."""

from __future__ import annotations

import ssl

import pytest

from trio_gateway.broker.redis.address import parse_address


def test_a_plain_url_has_the_usual_defaults():
    address = parse_address("redis://")

    assert (address.host, address.port, address.database, address.password) == ("localhost", 6379, 0, None)
    assert address.tls is None


def test_a_url_may_carry_user_password_and_database():
    address = parse_address("redis://me:p%40ss@example.org:7000/3")

    assert (address.host, address.port, address.database) == ("example.org", 7000, 3)
    assert (address.username, address.password) == ("me", "p@ss")


def test_a_unix_socket_has_a_path_and_may_have_a_database():
    address = parse_address("unix:///run/a%20b.sock?db=2")

    assert (address.path, address.database) == ("/run/a b.sock", 2)


def test_rediss_verifies_certificate_and_host():
    context = parse_address("rediss://example.org").tls

    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_verification_can_be_switched_off_in_the_url():
    context = parse_address("rediss://example.org?ssl_cert_reqs=none").tls

    assert context.verify_mode == ssl.CERT_NONE
    assert not context.check_hostname


@pytest.mark.parametrize("url", ["http://x", "localhost:6379", "rediss://x?ssl_cert_reqs=maybe"])
def test_a_url_of_another_form_is_refused(url):
    with pytest.raises(ValueError):
        parse_address(url)


def test_the_password_is_never_shown():
    address = parse_address("redis://:secret@example.org")

    assert "secret" not in repr(address) + address.shown
