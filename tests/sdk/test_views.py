"""Deltas, tags filters and cache recovery, as the SDKs' own decoders and applications see them."""

from __future__ import annotations

import json

import msgspec
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from sdk.nodes import new_channel, new_user, token
from wire.documents import edited_documents

from trio_gateway.hub.deltas import Deltas
from trio_gateway.hub.tail import TailBudget
from trio_gateway.model.publication import Publication

EUR = {"key": "unit", "cmp": "eq", "val": "EUR"}


def document(number: int) -> dict[str, object]:
    return {"number": number, "text": 'Grüße, "Welt"\n' * 20, "нет": [None, True, 1.5, {}]}


def numbers(publications) -> list[int]:
    return [each["number"] for each in publications]


async def lost(client) -> None:
    await client.event("connecting", reason="transport closed")


@pytest.fixture
async def client(proxy, open_client):
    """Give a client behind the proxy, which has a token for every time that it comes back."""
    user = new_user()
    client = await (await open_client()).connect(proxy.sdk_url, *[token(user)] * 50)
    return await client.connected()


@settings(max_examples=25)
@given(pairs=st.lists(edited_documents(), min_size=1, max_size=8))
def test_its_decoder_makes_of_any_documents_what_was_published(sdk, pairs):
    documents = [document for pair in pairs for document in pair]
    chain = Deltas(TailBudget()).chain(Publication(n, n - 1, data, 0) for n, data in enumerate(documents, 1))
    shown = [{"data": msgspec.json.decode(one.data), "delta": one.patch} for one in chain]

    async def decode() -> list[str]:
        async with trio.open_nursery() as nursery:
            decoded = await (await sdk.open(nursery)).ask("decode", publications=shown)
            nursery.cancel_scope.cancel()
        return decoded

    assert list(map(json.loads, trio.run(decode))) == list(map(msgspec.json.decode, documents))


async def test_a_client_of_deltas_gets_what_was_published_also_what_it_missed(two, proxy, client):
    channel = new_channel("views")
    await client.subscribe(channel, delta="fossil")
    await two.publish(channel, *map(document, range(5)))
    assert await client.publications(channel, 5) == list(map(document, range(5)))
    proxy.cut()
    await lost(client)
    await two.publish(channel, *map(document, range(5, 9)))
    proxy.mend()
    again = await client.event("subscribed", channel)
    await two.publish(channel, *map(document, range(9, 12)))

    assert (again["was_recovering"], again["recovered"]) == (True, True)
    assert await client.publications(channel, 7) == list(map(document, range(5, 12)))


async def test_clients_with_and_without_deltas_get_the_same(one, two, join):
    channel = new_channel("views")
    clients = [await join(one), await join(one)]
    await clients[0].subscribe(channel, delta="fossil")
    await clients[1].subscribe(channel)
    await two.publish(channel, *map(document, range(4)))
    both = [await each.publications(channel, 4) for each in clients]

    assert both[0] == both[1] == list(map(document, range(4)))


async def test_a_filter_lets_through_what_it_matches_also_of_what_was_missed(two, proxy, client):
    channel = new_channel("views")
    await client.subscribe(channel, filter=EUR)
    for number in range(3):
        await two.publish(channel, document(number), tags={"unit": "USD"})
        await two.publish(channel, document(10 + number), tags={"unit": "EUR"})
    assert numbers(await client.publications(channel, 3)) == [10, 11, 12]
    proxy.cut()
    await lost(client)
    await two.publish(channel, document(3), document(4))
    await two.publish(channel, document(13), tags={"unit": "EUR"})
    proxy.mend()
    again = await client.event("subscribed", channel)
    await two.publish(channel, document(14), tags={"unit": "EUR"})

    assert (again["was_recovering"], again["recovered"]) == (True, True)
    assert numbers(await client.publications(channel, 2)) == [13, 14]


async def test_a_filter_is_refused_where_the_namespace_has_none(one, join):
    client = await join(one)
    await client.ask("subscribe", channel=(channel := new_channel()), tokens=(), states=(), filter=EUR)

    assert (await client.event("unsubscribed", channel))["code"] == 107


async def test_in_cache_mode_who_comes_back_is_brought_the_latest_publication_alone(two, proxy, client):
    channel = new_channel("cache")
    await client.subscribe(channel)
    await two.publish(channel, document(1))
    assert numbers(await client.publications(channel, 1)) == [1]
    proxy.cut()
    await lost(client)
    await two.publish(channel, *map(document, range(2, 30)))
    proxy.mend()
    again = await client.event("subscribed", channel)
    await two.publish(channel, document(30))

    assert (again["was_recovering"], again["recovered"]) == (True, True)
    assert numbers(await client.publications(channel, 2)) == [29, 30]


async def test_in_cache_mode_an_empty_position_asks_for_the_latest_publication(one, two, join):
    """As an application gives it that has no state yet."""
    channel = new_channel("cache")
    await two.publish(channel, document(1), document(2))
    client = await join(one)
    subscribed = await client.subscribe(channel, states=[{"offset": 0, "epoch": ""}])

    assert subscribed["recovered"]
    assert numbers(await client.publications(channel, 1)) == [2]


async def test_the_latest_publication_may_be_brought_without_asking(one, two, join):
    channel = new_channel("always")
    await two.publish(channel, document(1), document(2))
    client = await join(one)
    subscribed = await client.subscribe(channel)
    await two.publish(channel, document(3))

    assert subscribed["recovered"]
    assert numbers(await client.publications(channel, 2)) == [2, 3]
