"""Deltas and tags filters as a client of the Centrifugo protocol sees them (protocol §10.1, §10.2)."""

import msgspec
import pytest
from gateway.peers import serve_sdk_place
from gateway.shared_broker import SharedBroker
from wire.fossil_decoder import apply_delta

from trio_gateway.settings.namespaces import ChannelRules, Namespaces

OPEN = {"allow_subscribe_for_client": True, "allow_publish_for_client": True, "allow_history_for_client": True}
VIEWS = {"allowed_delta_types": ["fossil"], "allow_tags_filter": True}
RULES = Namespaces(
    named={
        "open": ChannelRules(**OPEN),
        "live": ChannelRules(**OPEN, **VIEWS, delta_publish=True, force_recovery=True),
        "asked": ChannelRules(**OPEN, **VIEWS),
    },
)
EUR = {"key": "unit", "cmp": "eq", "val": "EUR"}


@pytest.fixture
async def place():
    broker = SharedBroker(namespaces=RULES)
    async with serve_sdk_place(broker=broker, namespaces=RULES) as place:
        yield place


def document(number):
    return msgspec.json.encode({"n": number, "text": "Grüße " * 30, "\n": [None, 1.50]})


async def publish(place, channel, *numbers, **options):
    for number in numbers:
        position = await place.broker.publish(channel, document(number), **options)
    return position


async def pushed(peer, count):
    return [(await peer.push())["pub"] for _ in range(count)]


def decoded(publications):
    """Do what an SDK does with publications that follow each other; answers the data of each, as bytes."""
    data, base = [], None
    for publication in publications:
        text = publication["data"].encode()
        base = apply_delta(base, text) if publication.get("delta") else text
        data.append(base)
    return data


async def test_deltas_are_granted_where_the_namespace_allows_them(place):
    peer = await place.connect()
    granted = await peer.do("subscribe", channel="live:a", delta="fossil")
    refused = await peer.do("subscribe", channel="open:a", delta="fossil")
    await publish(place, "open:a", 1)

    assert granted["delta"] is True
    assert "delta" not in refused
    assert (await peer.push())["pub"]["data"]["n"] == 1


async def test_an_unknown_delta_ends_the_connection(place):
    peer = await place.connect()
    await peer.command(("subscribe", {"channel": "live:a", "delta": "xdelta"}))

    assert (await peer.closed()).code == 3501


async def test_the_very_bytes_come_and_after_the_first_ones_as_patches(place):
    peer = await place.connect()
    await peer.do("subscribe", channel="live:a", delta="fossil")
    await publish(place, "live:a", 1, 2, 3)
    publications = await pushed(peer, 3)

    assert decoded(publications) == [document(number) for number in (1, 2, 3)]
    assert [publication.get("delta", False) for publication in publications] == [False, True, True]
    assert [publication["offset"] for publication in publications] == [1, 2, 3]


async def test_recovered_publications_are_patches_of_each_other_and_so_is_what_follows(place):
    position = await publish(place, "live:a", 1, 2, 3)
    peer = await place.connect()
    where = {"recover": True, "offset": 1, "epoch": position.epoch}
    result = await peer.do("subscribe", channel="live:a", delta="fossil", **where)
    await publish(place, "live:a", 4)
    publications = result["publications"] + await pushed(peer, 1)

    assert (result["recovered"], result["delta"]) == (True, True)
    assert decoded(publications) == [document(number) for number in (2, 3, 4)]
    assert [publication.get("delta", False) for publication in publications] == [False, True, True]


async def test_a_delta_can_be_asked_for_at_each_publish(place):
    peer = await place.connect()
    await peer.do("subscribe", channel="asked:a", delta="fossil")
    await publish(place, "asked:a", 1, 2)
    await publish(place, "asked:a", 3, delta=True)
    publications = await pushed(peer, 3)

    assert decoded(publications) == [document(number) for number in (1, 2, 3)]
    assert [publication.get("delta", False) for publication in publications] == [False, False, True]


async def test_the_history_has_data_as_it_was_published(place):
    peer = await place.connect()
    await peer.do("subscribe", channel="live:a", delta="fossil")
    await publish(place, "live:a", 1, 2)
    history = await peer.do("history", channel="live:a", limit=2)

    assert [publication["data"]["n"] for publication in history["publications"]] == [1, 2]


async def test_what_a_client_publishes_comes_back_to_it_as_a_patch_too(place):
    peer = await place.connect()
    await peer.do("subscribe", channel="live:a", delta="fossil")
    await publish(place, "live:a", 1)
    await peer.do("publish", channel="live:a", data=msgspec.Raw(document(2)))
    publications = await pushed(peer, 2)

    assert decoded(publications) == [document(1), document(2)]
    assert publications[1]["info"]["user"] == "7"


async def test_of_a_delta_and_a_filter_the_filter_counts(place):
    peer = await place.connect()
    result = await peer.do("subscribe", channel="live:a", delta="fossil", tf=EUR)
    await publish(place, "live:a", 1, tags=b'{"unit":"EUR"}')

    assert "delta" not in result
    assert (await peer.push())["pub"]["data"]["n"] == 1


async def test_a_filter_lets_through_what_it_matches(place):
    peer = await place.connect()
    await peer.do("subscribe", channel="live:a", tf=EUR)
    await publish(place, "live:a", 1)
    await publish(place, "live:a", 2, tags=b'{"unit":"USD"}')
    await publish(place, "live:a", 3, tags=b'{"unit":"EUR"}')

    assert [(one["data"]["n"], one["offset"]) for one in await pushed(peer, 1)] == [(3, 3)]
    assert await peer.silent()


async def test_recovery_brings_what_a_filter_matches(place):
    position = await publish(place, "live:a", 1)
    await publish(place, "live:a", 2, 4, tags=b'{"unit":"EUR"}')
    await publish(place, "live:a", 5)
    peer = await place.connect()
    where = {"recover": True, "offset": 1, "epoch": position.epoch}
    result = await peer.do("subscribe", channel="live:a", tf=EUR, **where)

    assert (result["recovered"], result["offset"]) == (True, 1)
    assert [publication["offset"] for publication in result["publications"]] == [2, 3]


@pytest.mark.parametrize(
    ("channel", "filter"), [("open:a", EUR), ("live:a", {"key": "unit", "cmp": "eq"}), ("live:a", {"op": "and"})]
)
async def test_a_filter_that_can_not_be_is_refused(place, channel, filter):
    peer = await place.connect()

    assert await peer.refused("subscribe", channel=channel, tf=filter) == 107
    assert await peer.do("subscribe", channel="live:a", tf=None) is not None
