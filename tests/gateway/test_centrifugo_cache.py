"""In cache mode a client that recovers is brought the latest publication, and nothing else of what it missed (protocol §6.6)."""

import msgspec
import pytest
from gateway.peers import serve_sdk_place
from gateway.shared_broker import SharedBroker
from trio.testing import wait_all_tasks_blocked

from trio_gateway.model.directives import SubscribeUser
from trio_gateway.model.position import Position
from trio_gateway.settings.namespaces import ChannelRules, Namespaces

CACHE = {"allow_subscribe_for_client": True, "force_recovery": True, "force_recovery_mode": "cache"}
RULES = Namespaces(
    named={
        "cache": ChannelRules(**CACHE, history_size=3, allowed_delta_types=["fossil"], delta_publish=True),
        "always": ChannelRules(**CACHE, history_size=1, auto_cache_recover=True, allow_tags_filter=True),
        "tags": ChannelRules(**CACHE, history_size=5, allow_tags_filter=True),
    },
)
ODD = {"key": "n", "cmp": "eq", "val": "odd"}


@pytest.fixture
async def place():
    broker = SharedBroker(namespaces=RULES)
    async with serve_sdk_place(broker=broker, namespaces=RULES) as place:
        yield place


async def publish(place, channel, *numbers):
    position = Position("", 0)
    for number in numbers:
        tags = b'{"n":"%b"}' % (b"odd" if number % 2 else b"even")
        position = await place.broker.publish(channel, b"%d" % number, tags=tags)
    return position


def brought(result):
    return [publication["data"] for publication in result.get("publications", ())]


CASES = [
    # published before, offset and epoch asked for, whether it is kept, recovered, data in the reply
    pytest.param(3, 0, "", True, True, [3], id="whatever it has, as JavaScript asks with an empty position"),
    pytest.param(3, 1, "same", True, True, [3], id="an older one"),
    pytest.param(3, 2, "same", True, True, [3], id="the one before"),
    pytest.param(8, 1, "same", True, True, [8], id="one that is no longer kept"),
    pytest.param(3, 3, "same", True, True, [], id="it has the latest one"),
    pytest.param(3, 3, "", True, True, [3], id="it may have the latest one"),
    pytest.param(3, 3, "lost", True, True, [3], id="another epoch"),
    pytest.param(3, 9, "same", True, True, [3], id="beyond the top"),
    pytest.param(0, 0, "", True, False, [], id="nothing was ever published"),
    pytest.param(0, 0, "same", True, False, [], id="nothing was ever published, and it knows that"),
    pytest.param(3, 2, "same", False, False, [], id="the latest one is gone"),
    pytest.param(3, 3, "same", False, True, [], id="the latest one is gone, but the client has it"),
    pytest.param(3, 0, "", False, False, [], id="the latest one is gone, and it has none"),
]


@pytest.mark.parametrize("watched", [True, False])
@pytest.mark.parametrize(("published", "offset", "epoch", "kept", "recovered", "expected"), CASES)
async def test_recovery(place, published, offset, epoch, kept, recovered, expected, watched):
    """The same whether the node has the channel in memory, for others who are there, or must ask the store."""
    if watched:
        for user in ("8", "9"):
            await (await place.connect(user)).do("subscribe", channel="cache:a")
    present = (await place.broker.attach("cache:a")).epoch
    await publish(place, "cache:a", *range(1, published + 1))
    if not kept:
        place.broker.forget("cache:a")
        await wait_all_tasks_blocked()
        for topic in place.node.hub._topics.values():
            topic.clear_tail()
    peer = await place.connect()
    asked = {"same": present}.get(epoch, epoch)
    result = await peer.do("subscribe", channel="cache:a", recover=True, offset=offset, epoch=asked)
    await publish(place, "cache:a", published + 1)

    assert result["was_recovering"]
    assert result["epoch"] == present
    assert (result.get("recovered", False), brought(result)) == (recovered, expected)
    assert result.get("offset", 0) == (offset if recovered else published)
    assert await peer.publications(1) == [published + 1]
    assert await peer.silent()


async def test_who_wants_all_or_nothing_is_answered_112(place):
    peer = await place.connect()

    assert await peer.refused("subscribe", channel="cache:a", recover=True, flag=2) == 112


async def test_who_does_not_recover_is_brought_nothing(place):
    await publish(place, "cache:a", 1)
    peer = await place.connect()

    assert not {"was_recovering", "recovered", "publications"} & set(await peer.do("subscribe", channel="cache:a"))


async def test_it_goes_with_deltas(place):
    await publish(place, "cache:a", 1, 2)
    peer = await place.connect()
    result = await peer.do("subscribe", channel="cache:a", recover=True, delta="fossil")
    text = "x" * 100
    await place.broker.publish("cache:a", msgspec.json.encode(text))
    await place.broker.publish("cache:a", msgspec.json.encode(text + "y"))

    assert (result["delta"], brought(result)) == (True, ["2"])
    assert [("delta" in push["pub"]) for push in [await peer.push(), await peer.push()]] == [False, True]


async def test_of_what_a_filter_lets_through_the_latest_is_brought(place):
    await publish(place, "tags:a", 1, 2, 3, 4)
    peer, other = await place.connect(), await place.connect("8")
    result = await peer.do("subscribe", channel="tags:a", recover=True, tf=ODD)
    nothing = await other.do("subscribe", channel="tags:a", recover=True, tf={"key": "m", "cmp": "ex"})
    await publish(place, "tags:a", 6, 7)

    assert (result["recovered"], brought(result)) == (True, [3])
    assert (nothing["recovered"], brought(nothing)) == (True, [])
    assert await peer.publications(1) == [6]
    assert await other.silent()


class TestAlways:
    async def test_it_is_brought_without_asking(self, place):
        await publish(place, "always:a", 1, 2)
        peer = await place.connect()
        result = await peer.do("subscribe", channel="always:a")
        await publish(place, "always:a", 3)

        assert (result["was_recovering"], result["recovered"], brought(result)) == (True, True, [2])
        assert await peer.publications(1) == [3]

    async def test_where_there_is_none_the_client_learns_it(self, place):
        peer = await place.connect()
        result = await peer.do("subscribe", channel="always:a")

        assert (result["was_recovering"], result.get("recovered"), brought(result)) == (True, None, [])

    async def test_a_subscription_of_the_servers_brings_it_too(self, place):
        await publish(place, "always:a", 1, 2)
        peer = await place.connect(claims={"channels": ["always:a"]})

        assert brought(peer.connected["subs"]["always:a"]) == [2]

    async def test_one_that_the_server_makes_later_is_followed_by_it(self, place):
        """The push that tells of the subscription carries no publications."""
        await publish(place, "always:a", 1, 2)
        peer = await place.connect()
        await place.node.control.tell(SubscribeUser(user="7", channel="always:a"))

        assert "subscribe" in await peer.push()
        assert await peer.publications(1) == [2]
        assert await peer.silent()
