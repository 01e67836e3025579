"""The client's address is believed only as far as trusted proxies vouch for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.wire.forwarded import client_address, parse_networks

TRUSTED = parse_networks(("10.0.0.0/8", "192.0.2.7", "2001:db8::/32"))


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        pytest.param("203.0.113.5", None, "203.0.113.5", id="no proxy"),
        pytest.param("203.0.113.5", "198.51.100.1", "203.0.113.5", id="a client that claims to be a proxy"),
        pytest.param("10.0.0.1", None, "10.0.0.1", id="a proxy that forwards for nobody"),
        pytest.param("10.0.0.1", "198.51.100.1", "198.51.100.1", id="one proxy"),
        pytest.param("10.0.0.1", "198.51.100.1, 192.0.2.7", "198.51.100.1", id="two proxies"),
        pytest.param("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.1.1.1", "198.51.100.1", id="a client that lied to them"),
        pytest.param("10.0.0.1", "10.0.0.9, 10.0.0.8", "10.0.0.9", id="a client inside"),
        pytest.param("10.0.0.1", "198.51.100.1:4711", "198.51.100.1", id="an address with a port"),
        pytest.param("10.0.0.1", "[2001:db9::1]:4711", "2001:db9::1", id="an IPv6 address with a port"),
        pytest.param("2001:db8::5", "2001:db9::1", "2001:db9::1", id="IPv6"),
        pytest.param("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1", id="IPv4 on a dual-stack socket"),
        pytest.param("10.0.0.1", "unknown", "10.0.0.1", id="no address"),
        pytest.param("10.0.0.1", "198.51.100.1, , 10.0.0.2", "10.0.0.2", id="an empty place"),
        pytest.param("10.0.0.1", "", "10.0.0.1", id="an empty header"),
        pytest.param("", "198.51.100.1", "", id="a peer without an address"),
    ],
)
def test_the_rightmost_address_that_is_not_trusted_is_the_clients(peer, forwarded_for, address):
    assert client_address(peer, forwarded_for, TRUSTED) == address


def test_without_trusted_proxies_the_header_counts_for_nothing():
    assert client_address("10.0.0.1", "198.51.100.1", ()) == "10.0.0.1"


def test_a_network_that_is_none_is_named():
    with pytest.raises(ValueError, match="proxy"):
        parse_networks(("proxy.example",))


@given(st.text(max_size=60))
def test_arbitrary_headers_of_an_untrusted_peer_change_nothing(forwarded_for):
    assert client_address("203.0.113.5", forwarded_for, TRUSTED) == "203.0.113.5"


@given(st.text(st.sampled_from("0123456789.:[], abf"), max_size=60))
def test_arbitrary_headers_of_a_proxy_give_some_address(forwarded_for):
    assert client_address("10.0.0.1", forwarded_for, TRUSTED)
