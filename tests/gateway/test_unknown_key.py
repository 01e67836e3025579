"""A token whose key nobody publishes is wrong, and one that can't be judged now is asked for again."""

import pytest
import trio
from gateway.issuer import URL, Issuer
from gateway.peers import serve_sdk_place

from trio_gateway.gateway.admission.key_source import PAUSE_SECONDS, KeySource

GONE = OSError("nobody listens")


@pytest.fixture
async def issuer():
    return Issuer(1)


@pytest.fixture
async def place(issuer):
    async with serve_sdk_place(token_jwks_url=URL) as place:
        place.node.keys = KeySource(place.node.verifier, URL, issuer.fetch)
        await place.nursery.start(place.node.keys.serve)
        yield place


async def test_a_subscription_with_a_published_key_is_taken(place, issuer, autojump_clock):
    peer = await place.connect()

    assert await peer.do("subscribe", channel="open:a", token=issuer.token(1, channel="open:a")) == {}


async def test_a_connection_is_closed(place, issuer, autojump_clock):
    peer = await place.open_sdk()
    await peer.command(("connect", {"token": issuer.token(2)}))

    assert (await peer.closed()).code == 3500


async def test_a_subscription_is_refused_and_the_connection_stays(place, issuer, autojump_clock):
    peer = await place.connect()

    assert await peer.refused("subscribe", channel="open:a", token=issuer.token(2, channel="open:a")) == 103
    assert await peer.do("subscribe", channel="open:a") == {}


@pytest.mark.parametrize(("method", "asked"), [("refresh", {}), ("sub_refresh", {"channel": "open:a"})])
async def test_a_refresh_closes_the_connection(place, issuer, autojump_clock, method, asked):
    peer = await place.connect()
    await peer.do("subscribe", channel="open:a")
    await peer.command((method, {"token": issuer.token(2, **asked), **asked}))

    assert (await peer.closed()).code == 3500


@pytest.mark.parametrize(
    ("method", "asked"),
    [("subscribe", {"channel": "open:b"}), ("refresh", {}), ("sub_refresh", {"channel": "open:a"})],
)
async def test_whoever_asks_while_the_issuer_is_away_is_told_to_ask_again(place, issuer, autojump_clock, method, asked):
    peer = await place.connect()
    await peer.do("subscribe", channel="open:a")
    issuer.error = GONE
    await trio.sleep(PAUSE_SECONDS)

    assert await peer.refused(method, token=issuer.token(2, **asked), **asked) == 100
    issuer.error = None
    issuer.publish(2)
    await trio.sleep(PAUSE_SECONDS)
    await peer.do(method, token=issuer.token(2, **asked), **asked)
