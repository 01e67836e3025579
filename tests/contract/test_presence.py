"""The contract of presence: who is in a channel, each coming and each going told once, and nobody there for longer than said."""

from __future__ import annotations

import pytest

from trio_gateway.broker.broker import Hint, Leave, Renewal
from trio_gateway.model.errors import (
    BadRequest,
    InvalidChannel,
    InvalidData,
    InvalidId,
    PublicationTooLarge,
    UnknownChannel,
)
from trio_gateway.model.presence import Member, Passage, PresenceStatistics

JOINED, LEFT = True, False


def member(client="c1", user="7", info=b'{"user":"7"}', *, told=True):
    return Member(client, user, info, told)


async def passages(broker, listener, channel, count):
    """Give what was told of a channel's members, when all that was asked before has been told."""
    await broker.publish(channel, b'"the end"')
    *before, _end = await listener.wait_hints(count + 1)
    assert {(hint.channel, hint.publication) for hint in before} <= {(channel, None)}
    assert len(listener.hints) == count + 1
    return [(hint.passage.joined, hint.passage.info) for hint in before]


async def test_who_joined_is_there_as_described(broker):
    members = [
        member("c1", "7", b'{"client":"c1",\n"n":1.50}'),
        member("c2", "", b"{}", told=False),
        member("c3:ü", "1:ü", '{"ü":"€"}'.encode()),
    ]
    for each in members:
        assert await broker.join("room", each, ttl=60)

    assert await broker.presence("room") == {each.client: each for each in members}


async def test_a_channel_where_nobody_is_has_no_members(broker):
    assert await broker.presence("room") == {}
    assert await broker.presence_statistics("room") == PresenceStatistics(0, 0)


async def test_who_joins_is_told_to_the_followers(broker, listener):
    await broker.follow("room")
    await broker.join("room", member(info=b'{"a":\n1}'), ttl=60)

    assert await listener.wait_hints(1) == [Hint("room", "", None, Passage(JOINED, b'{"a":\n1}'))]


async def test_each_coming_and_each_going_is_told_once(broker, listener):
    await broker.follow("room")
    for _ in range(2):
        await broker.join("room", member(), ttl=60)
    await broker.renew([Renewal("room", ["c1"])], ttl=60)
    for _ in range(2):
        await broker.leave([Leave("room", "c1")])
    await broker.join("room", member(), ttl=60)

    told = await passages(broker, listener, "room", 3)
    assert [joined for joined, _info in told] == [JOINED, LEFT, JOINED]


async def test_a_going_is_told_with_the_info_that_the_member_had_last(broker, listener):
    await broker.follow("room")
    await broker.join("room", member(info=b'{"n":1}'), ttl=60)
    await broker.join("room", member(info=b'{"n":2}'), ttl=60)
    await broker.leave([Leave("room", "c1")])

    assert await passages(broker, listener, "room", 2) == [(JOINED, b'{"n":1}'), (LEFT, b'{"n":2}')]


async def test_of_who_is_not_told_nobody_hears(broker, listener):
    await broker.follow("room")
    await broker.join("room", member(told=False), ttl=60)
    await broker.leave([Leave("room", "c1")])

    assert await passages(broker, listener, "room", 0) == []


async def test_who_left_is_not_there(broker):
    await broker.join("room", member("c1"), ttl=60)
    await broker.join("room", member("c2"), ttl=60)
    await broker.leave([Leave("room", "c1"), Leave("room", "unknown"), Leave("empty", "c1")])

    assert set(await broker.presence("room")) == {"c2"}


async def test_coming_and_going_leave_no_trace_in_the_history(broker):
    await broker.join("room", member(), ttl=60)
    await broker.leave([Leave("room", "c1")])

    assert (await broker.read("room", 0, 10)).epoch == ""


async def test_clients_and_users_are_counted_and_the_anonymous_are_one(broker):
    for client, user in (("c1", "7"), ("c2", "7"), ("c3", "8"), ("c4", ""), ("c5", "")):
        await broker.join("room", member(client, user), ttl=60)
    assert await broker.presence_statistics("room") == PresenceStatistics(5, 3)

    await broker.leave([Leave("room", "c1"), Leave("room", "c3")])
    assert await broker.presence_statistics("room") == PresenceStatistics(3, 2)


async def test_who_joins_again_as_another_user_is_counted_as_that_one(broker):
    await broker.join("room", member("c1", "7"), ttl=60)
    await broker.join("room", member("c2", "8"), ttl=60)
    await broker.join("room", member("c1", "8"), ttl=60)

    assert await broker.presence_statistics("room") == PresenceStatistics(2, 1)


async def test_no_more_than_the_limit_may_join(broker, listener):
    await broker.follow("room")
    entered = [await broker.join("room", member(client), ttl=60, limit=2) for client in ("c1", "c2", "c3")]

    assert entered == [True, True, False]
    assert set(await broker.presence("room")) == {"c1", "c2"}
    assert len(await passages(broker, listener, "room", 2)) == 2


async def test_the_limit_counts_the_others(broker):
    for client in ("c1", "c2"):
        await broker.join("room", member(client), ttl=60)

    assert await broker.join("room", member("c1"), ttl=60, limit=2)
    assert not await broker.join("room", member("c1"), ttl=60, limit=1)
    assert set(await broker.presence("room")) == {"c1", "c2"}


async def test_the_limit_does_not_count_whose_time_ran_out(store, broker):
    await broker.join("room", member("c1"), ttl=60)
    store.let_member_expire("room", "c1")

    assert await broker.join("room", member("c2"), ttl=60, limit=1)


async def test_a_place_of_one_is_a_claim_that_its_holder_can_renew_and_nobody_else_can_have(store, broker):
    assert await broker.join("room", member("c1"), ttl=60, limit=1)
    assert not await broker.join("room", member("c2"), ttl=60, limit=1)
    assert await broker.join("room", member("c1"), ttl=60, limit=1)
    assert not await broker.join("room", member("c2"), ttl=60, limit=1)
    store.let_member_expire("room", "c1")

    assert await broker.join("room", member("c2"), ttl=60, limit=1)
    assert not await broker.join("room", member("c1"), ttl=60, limit=1)


@pytest.mark.parametrize("call", ["join", "renew", "leave", "presence", "presence_statistics"])
async def test_whose_time_ran_out_is_told_as_leaving_by_the_next_call(store, broker, listener, call):
    await broker.follow("room")
    await broker.join("room", member("c1", info=b'{"n":1}'), ttl=60)
    await broker.join("room", member("c2", told=False), ttl=60)
    store.let_member_expire("room", "c1")
    for _ in range(2):
        await {
            "join": lambda: broker.join("room", member("c2", told=False), ttl=60),
            "renew": lambda: broker.renew([Renewal("room", ["c2"])], ttl=60),
            "leave": lambda: broker.leave([Leave("room", "c2")]),
            "presence": lambda: broker.presence("room"),
            "presence_statistics": lambda: broker.presence_statistics("room"),
        }[call]()

    assert await passages(broker, listener, "room", 2) == [(JOINED, b'{"n":1}'), (LEFT, b'{"n":1}')]


async def test_whose_time_ran_out_is_nowhere(store, broker):
    await broker.join("room", member("c1", "7"), ttl=60)
    await broker.join("room", member("c2", "8"), ttl=60)
    store.let_member_expire("room", "c1")

    assert set(await broker.presence("room")) == {"c2"}
    assert await broker.presence_statistics("room") == PresenceStatistics(1, 1)


async def test_who_comes_back_after_the_time_ran_out_left_and_came(store, broker, listener):
    await broker.follow("room")
    await broker.join("room", member(info=b'{"n":1}'), ttl=60)
    store.let_member_expire("room", "c1")
    await broker.join("room", member(info=b'{"n":2}'), ttl=60)

    told = await passages(broker, listener, "room", 3)
    assert told == [(JOINED, b'{"n":1}'), (LEFT, b'{"n":1}'), (JOINED, b'{"n":2}')]
    assert await broker.presence_statistics("room") == PresenceStatistics(1, 1)


async def test_a_renewal_answers_who_is_not_there(store, broker):
    for client in ("c1", "c2"):
        await broker.join("room", member(client), ttl=60)
    await broker.join("none:x", member("c3"), ttl=60)
    store.let_member_expire("room", "c2")
    renewals = [
        Renewal("room", ["c1", "c2", "c3"]),
        Renewal("empty", ["c1"]),
        Renewal("none:x", ["c3"]),
        Renewal("room", []),
    ]

    assert [list(missing) for missing in await broker.renew(renewals, ttl=60)] == [["c2", "c3"], ["c1"], [], []]


async def test_nobody_is_in_a_channel_that_is_refused(broker):
    assert [list(each) for each in await broker.renew([Renewal("unknown:x", ["c1"])], ttl=60)] == [["c1"]]
    await broker.leave([Leave("unknown:x", "c1")])


async def test_no_renewals_and_no_leaves_at_all_are_no_error(broker):
    assert list(await broker.renew([], ttl=60)) == []
    await broker.leave([])


async def test_many_clients_and_many_channels_are_renewed_and_removed_together(broker):
    clients = [f"c{number}" for number in range(1200)]
    for client in clients[::3]:
        await broker.join("room", member(client), ttl=60)
    rooms = [f"room {number}" for number in range(300)]
    for room in rooms:
        await broker.join(room, member(), ttl=60)

    missing = await broker.renew([Renewal("room", clients), *(Renewal(room, ["c0", "c1"]) for room in rooms)], ttl=60)
    assert list(missing[0]) == [client for number, client in enumerate(clients) if number % 3]
    assert {tuple(each) for each in missing[1:]} == {("c0",)}

    await broker.leave([*(Leave("room", client) for client in clients), *(Leave(room, "c1") for room in rooms)])
    assert [await broker.presence(room) for room in ("room", rooms[0], rooms[-1])] == [{}, {}, {}]


@pytest.mark.parametrize("channel", ["#7", "none:x", "$:user:7", "$:control", "$brief:x", "$private", "{a}%"])
async def test_every_channel_has_members_whether_it_keeps_a_history_or_not(broker, listener, channel):
    await broker.follow(channel)
    await broker.join(channel, member(), ttl=60)

    assert set(await broker.presence(channel)) == {"c1"}
    assert [hint.channel for hint in await listener.wait_hints(1)] == [channel]


@pytest.mark.parametrize(
    ("channel", "refusal"),
    [("unknown:x", UnknownChannel), ("$unknown:x", UnknownChannel), ("", InvalidChannel), ("a\udc80", InvalidChannel)],
)
async def test_a_channel_that_can_not_be_has_no_members(broker, channel, refusal):
    with pytest.raises(refusal):
        await broker.join(channel, member(), ttl=60)
    with pytest.raises(refusal):
        await broker.presence(channel)
    with pytest.raises(refusal):
        await broker.presence_statistics(channel)


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"client": ""}, InvalidId),
        ({"client": "x" * 129}, InvalidId),
        ({"client": "a\nb"}, InvalidId),
        ({"client": "\udc80"}, InvalidId),
        ({"user": "x" * 129}, InvalidId),
        ({"user": "\x00"}, InvalidId),
        ({"info": b""}, InvalidData),
        ({"info": b"[]"}, InvalidData),
        ({"info": b'{"a":NaN}'}, InvalidData),
        ({"info": b'{"a":1'}, InvalidData),
        ({"info": b'{"a":"' + b"x" * 65_536 + b'"}'}, PublicationTooLarge),
    ],
)
async def test_a_member_that_is_wrong_is_refused_by_name(broker, wrong, refusal):
    with pytest.raises(refusal) as caught:
        await broker.join("room", member(**wrong), ttl=60)

    assert type(caught.value) is refusal
    assert await broker.presence("room") == {}


@pytest.mark.parametrize("ttl", [0, -1, 0.0001, float("nan")])
async def test_nobody_is_there_for_no_time(broker, ttl):
    with pytest.raises(BadRequest):
        await broker.join("room", member(), ttl=ttl)
    with pytest.raises(BadRequest):
        await broker.renew([Renewal("room", ["c1"])], ttl=ttl)
