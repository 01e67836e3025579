"""What a subscribing client of the Centrifugo protocol gets of what it missed (protocol §6.3, offsets that jump included)."""

import msgspec
import pytest
from gateway.peers import serve_sdk_place
from gateway.shared_broker import SharedBroker

from trio_gateway.hub import replay
from trio_gateway.settings.namespaces import ChannelRules, InboxRules, Namespaces

RULES = Namespaces(
    inbox=InboxRules(history_size=5),
    named={
        "log": ChannelRules(allow_subscribe_for_client=True, force_recovery=True, history_size=5),
        "may": ChannelRules(allow_subscribe_for_client=True, allow_recovery=True, allow_positioning=True),
        "plain": ChannelRules(allow_subscribe_for_client=True),
        "none": ChannelRules(allow_subscribe_for_client=True, history_size=0, allow_recovery=True),
    },
)


@pytest.fixture
async def place():
    broker = SharedBroker(namespaces=RULES)
    async with serve_sdk_place(broker=broker, namespaces=RULES, max_recovery=4) as place:
        yield place


async def publish(place, channel, count, data=b"1"):
    position = None
    for _ in range(count):
        position = await place.broker.publish(channel, data)
    return position


def offsets(result):
    return [publication["offset"] for publication in result.get("publications", ())]


CASES = [
    # published before, offset asked for (from the top: negative), epoch, recovered, offsets in the reply
    pytest.param(3, 3, "same", True, [], id="nothing was missed"),
    pytest.param(3, 1, "same", True, [2, 3], id="two were missed"),
    pytest.param(3, 0, "same", True, [1, 2, 3], id="all were missed"),
    pytest.param(0, 0, "same", True, [], id="nothing was ever published"),
    pytest.param(3, 1, "", True, [2, 3], id="an empty epoch stands for the present one"),
    pytest.param(3, 3, "", True, [], id="an empty epoch at the top"),
    pytest.param(3, 9, "", False, [], id="an empty epoch proves nothing beyond the top"),
    pytest.param(3, 9, "same", True, [], id="beyond the top the store has lost what the client has"),
    pytest.param(3, 1, "lost", False, [], id="another epoch"),
    pytest.param(3, 3, "lost", False, [], id="another epoch at the top"),
    pytest.param(8, 3, "same", True, [4, 5, 6, 7], id="as many as an answer holds"),
    pytest.param(8, 2, "same", False, [], id="the next one is gone"),
    pytest.param(8, 0, "same", False, [], id="the first ones are gone"),
    pytest.param(8, 4, "same", True, [5, 6, 7, 8], id="exactly what an answer holds"),
]


@pytest.mark.parametrize(("published", "offset", "epoch", "recovered", "expected"), CASES)
async def test_recovery(place, published, offset, epoch, recovered, expected):
    before = await place.connect("8")
    present = (await before.do("subscribe", channel="log:a"))["epoch"]
    await publish(place, "log:a", published)
    asked = {"same": present}.get(epoch, epoch)
    peer = await place.connect()
    result = await peer.do("subscribe", channel="log:a", recover=True, offset=offset, epoch=asked)

    assert result["was_recovering"]
    assert result.get("recovered", False) is recovered
    assert result["epoch"] == present
    assert (result["recoverable"], result["positioned"]) == (True, True)
    assert offsets(result) == expected
    assert result.get("offset", 0) == (offset if recovered else published)


async def test_what_an_answer_does_not_hold_follows_as_pushes_and_then_what_is_new(place):
    await publish(place, "log:a", 5)
    peer = await place.connect()
    result = await peer.do("subscribe", channel="log:a", recover=True)
    await publish(place, "log:a", 2)

    assert offsets(result) == [1, 2, 3, 4]
    assert await peer.publications(3) == [5, 6, 7]


async def test_an_answer_is_bounded_in_bytes_too(place, monkeypatch):
    monkeypatch.setattr(replay, "MAX_BYTES", 1000)
    await publish(place, "log:a", 4, b'"' + b"x" * 600 + b'"')
    peer = await place.connect()

    assert offsets(await peer.do("subscribe", channel="log:a", recover=True)) == [1, 2]
    assert await peer.publications(2) == [3, 4]


async def test_offsets_that_jump_are_no_hole(place):
    position = await publish(place, "log:a", 2)
    place.broker.jump = 1000
    await publish(place, "log:a", 1)
    peer = await place.connect()
    result = await peer.do("subscribe", channel="log:a", recover=True, offset=1, epoch=position.epoch)

    assert (result["recovered"], result["offset"], offsets(result)) == (True, 1, [2, 1003])


async def test_a_jump_below_the_clients_own_position_is_no_hole(place):
    """The store lost its tail: the client is at 5, the store at 2, and what comes next jumps past both."""
    position = await publish(place, "log:a", 2)
    peer = await place.connect()
    result = await peer.do("subscribe", channel="log:a", recover=True, offset=5, epoch=position.epoch)
    place.broker.jump = 1000
    await publish(place, "log:a", 1)

    assert (result["recovered"], result["offset"]) == (True, 5)
    assert await peer.publications(1) == [1003]


async def test_publications_that_expired_are_gone_but_who_has_them_all_is_recovered(place):
    position = await publish(place, "log:a", 3)
    place.broker.forget("log:a")
    peer, other = await place.connect(), await place.connect()
    behind = await peer.do("subscribe", channel="log:a", recover=True, offset=2, epoch=position.epoch)
    at_the_top = await other.do("subscribe", channel="log:a", recover=True, offset=3, epoch=position.epoch)

    assert (behind.get("recovered"), behind["offset"]) == (None, 3)
    assert (at_the_top["recovered"], at_the_top["offset"]) == (True, 3)


async def test_who_wants_all_or_nothing_is_answered_112_and_is_not_subscribed(place):
    position = await publish(place, "log:a", 8)
    peer = await place.connect()
    asked = {"channel": "log:a", "recover": True, "offset": 1, "epoch": position.epoch}

    assert await peer.refused("subscribe", **asked, flag=3) == 112
    assert place.left["subscriptions"] == 1  # its inbox
    assert "recovered" not in await peer.do("subscribe", **asked, flag=1)


async def test_who_does_not_recover_starts_at_the_top(place):
    await publish(place, "log:a", 3)
    peer = await place.connect()
    result = await peer.do("subscribe", channel="log:a")

    assert result["offset"] == 3
    assert not {"was_recovering", "recovered", "publications"} & set(result)


async def test_a_client_is_granted_what_it_asks_for_where_it_may(place):
    peer = await place.connect()

    assert await peer.do("subscribe", channel="may:a") == {}
    assert set(await peer.do("subscribe", channel="may:b", positioned=True)) == {"positioned", "epoch"}
    assert set(await peer.do("subscribe", channel="may:c", recoverable=True)) == {"positioned", "recoverable", "epoch"}
    assert await peer.do("subscribe", channel="plain:a", recoverable=True, positioned=True) == {}


@pytest.mark.parametrize("channel", ["plain:a", "none:a"])
async def test_where_recovery_is_off_no_position_is_told_but_that_the_client_asked(place, channel):
    """An application that reads it asks its back end then (§6.3, §6.7)."""
    await publish(place, channel, 2)
    peer = await place.connect()

    assert await peer.do("subscribe", channel=channel, recover=True, epoch="e") == {"was_recovering": True}


async def test_recovery_may_end_in_the_middle_of_an_answer_that_waits_for_the_store(place):
    """What is published while the answer is made comes once, after it (§6.4)."""
    await publish(place, "log:a", 2)
    published = False

    async def trouble(name):
        nonlocal published
        if name == "read" and not published:
            published = True
            await publish(place, "log:a", 2)

    place.broker.trouble = trouble
    peer = await place.connect()
    result = await peer.do("subscribe", channel="log:a", recover=True)
    place.broker.trouble = None
    await publish(place, "log:a", 1)
    got = offsets(result)

    assert got[:2] == [1, 2]
    assert got + await peer.publications(5 - len(got)) == [1, 2, 3, 4, 5]
    assert await peer.silent()


async def test_the_reply_comes_before_every_push(place):
    await publish(place, "log:a", 5)
    peer = await place.connect()
    await peer.command(("subscribe", {"channel": "log:a", "recover": True}), ("history", {"channel": "log:a"}))
    frames = [msgspec.json.decode(await peer.receive_text()) for _ in range(3)]

    assert "subscribe" in frames[0]
    assert sorted("push" if "push" in frame else "error" for frame in frames[1:]) == ["error", "push"]
