"""The contract of publishing: validated, once per id, offsets that only rise, stored before it is told."""

from __future__ import annotations

import pytest

from trio_gateway.broker.broker import Draft, Version
from trio_gateway.model.errors import (
    InvalidChannel,
    InvalidData,
    InvalidId,
    PublicationTooLarge,
    UnknownChannel,
)
from trio_gateway.model.position import Position


async def test_offsets_start_at_one_and_rise_within_one_epoch(broker):
    positions = [await broker.publish("news", b"%d" % number) for number in range(3)]

    assert [position.offset for position in positions] == [1, 2, 3]
    assert len({position.epoch for position in positions}) == 1


async def test_an_epoch_is_not_empty_and_differs_from_channel_to_channel(broker):
    one, other = await broker.publish("news", b"1"), await broker.publish("sports", b"1")

    assert one.epoch
    assert one.epoch != other.epoch


async def test_a_publication_keeps_its_data_untouched_with_sender_and_id(broker):
    data = ' {"text": "ü\\n{}%",  "n": 1.50}\n'.encode()
    await broker.publish("news", data, id="a:b", sender="user 7")

    (kept,) = (await broker.read("news", 0, 10)).publications
    assert (kept.data, kept.id, kept.sender) == (data, "a:b", "user 7")
    assert kept.time > 1_700_000_000_000


async def test_prev_is_the_top_before(broker):
    for number in range(3):
        await broker.publish("news", b"%d" % number)

    assert [kept.prev for kept in (await broker.read("news", 0, 10)).publications] == [0, 1, 2]


async def test_an_id_takes_effect_once_and_answers_the_first_position(broker):
    first = await broker.publish("news", b"1", id="x", sender="7")
    await broker.publish("news", b"2")

    assert await broker.publish("news", b"3", id="x", sender="7") == first
    assert [kept.data for kept in (await broker.read("news", 0, 10)).publications] == [b"1", b"2"]


async def test_an_id_that_was_seen_is_not_told_again(broker, listener):
    await broker.follow("news")
    await broker.publish("news", b"1", id="x")
    await broker.publish("news", b"1", id="x")
    await broker.publish("news", b"2")

    assert [hint.publication.data for hint in await listener.wait_hints(2)] == [b"1", b"2"]


@pytest.mark.parametrize("other", [{"channel": "sports"}, {"sender": "8"}, {"sender": ""}, {"id": "y"}])
async def test_an_id_belongs_to_its_channel_and_its_sender(broker, other):
    await broker.publish("news", b"1", id="x", sender="7")

    position = await broker.publish(**({"channel": "news", "data": b"2", "id": "x", "sender": "7"} | other))
    channel = other.get("channel", "news")
    assert position.offset == (await broker.read(channel, 0, 10)).top
    assert (await broker.read(channel, 0, 10)).publications[-1].data == b"2"


async def test_sender_and_id_can_not_be_confused_where_they_hold_colons(broker):
    await broker.publish("news", b"1", sender="a:b", id="c")
    await broker.publish("news", b"2", sender="a", id="b:c")

    assert (await broker.read("news", 0, 10)).top == 2


async def test_an_id_of_a_lost_epoch_no_longer_counts(store, broker):
    await broker.publish("news", b"1", id="x")
    store.lose_meta("news")

    await broker.publish("news", b"2", id="x")
    assert [kept.data for kept in (await broker.read("news", 0, 10)).publications] == [b"2"]


async def test_a_lost_meta_begins_a_new_epoch_without_the_old_publications(store, broker):
    old = [await broker.publish("news", b"0") for _ in range(3)][-1]
    store.lose_meta("news")

    new = await broker.publish("news", b"9")
    stored = await broker.read("news", 0, 10)
    assert new.epoch != old.epoch
    assert [kept.data for kept in stored.publications] == [b"9"]


async def test_the_history_is_trimmed_to_its_size(broker):
    for number in range(10):
        await broker.publish("brief:x", b"%d" % number)

    assert [kept.data for kept in (await broker.read("brief:x", 0, 10)).publications] == [b"7", b"8", b"9"]


async def test_a_longer_history_keeps_its_size_and_at_most_an_eighth_more(broker):
    for number in range(50):
        await broker.publish("#7", b"%d" % number)

    kept = (await broker.read("#7", 0, 50)).publications
    assert kept[-1].offset == 50
    assert 20 <= len(kept) <= 22


async def test_without_history_nothing_is_stored_and_there_is_no_position(broker):
    assert await broker.publish("none:x", b"1") == Position("", 0)

    stored = await broker.read("none:x", 0, 10)
    assert (stored.epoch, stored.top, list(stored.publications)) == ("", 0, [])


async def test_without_history_a_publication_is_told_with_offset_zero(broker, listener):
    await broker.follow("none:x")
    await broker.publish("none:x", b"1", sender="7", id="x")

    (hint,) = await listener.wait_hints(1)
    assert (hint.channel, hint.epoch) == ("none:x", "")
    assert (hint.publication.offset, hint.publication.data, hint.publication.sender) == (0, b"1", "7")


async def test_without_history_an_id_takes_effect_once_as_well(broker, listener):
    await broker.follow("none:x")
    await broker.publish("none:x", b"1", id="x")
    assert await broker.publish("none:x", b"2", id="x") == Position("", 0)
    await broker.publish("none:x", b"3", id="y")

    assert [hint.publication.data for hint in await listener.wait_hints(2)] == [b"1", b"3"]


@pytest.mark.parametrize(
    ("refusal", "wrong"),
    [
        (InvalidChannel, {"channel": ""}),
        (InvalidChannel, {"channel": "x" * 41}),
        (InvalidChannel, {"channel": "ü" * 21}),
        (InvalidChannel, {"channel": "a\nb"}),
        (InvalidChannel, {"channel": "a\x85b"}),
        (InvalidChannel, {"channel": "a\udc80"}),
        (UnknownChannel, {"channel": "unknown:x"}),
        (UnknownChannel, {"channel": ":x"}),
        (UnknownChannel, {"channel": "$unknown:x"}),
        (InvalidData, {"data": b""}),
        (InvalidData, {"data": b"hello"}),
        (InvalidData, {"data": b"NaN"}),
        (InvalidData, {"data": b'"\xff"'}),
        (InvalidData, {"data": b'"a\nb"'}),
        (InvalidData, {"data": b"[1.]"}),
        (InvalidData, {"info": b"[]"}),
        (InvalidData, {"info": b"null"}),
        (InvalidData, {"info": b'{"a":NaN}'}),
        (InvalidData, {"info": b'{"a":"\xff"}'}),
        (InvalidData, {"info": b'{"a":"\n"}'}),
        (InvalidData, {"info": b"{}]\n1"}),
        (InvalidData, {"tags": b"[]"}),
        (InvalidData, {"tags": b'{"a":1}'}),
        (InvalidData, {"tags": b'{"a":"1","b":null}'}),
        (InvalidData, {"tags": b'{"a":"1"'}),
        (PublicationTooLarge, {"data": b'"' + b"x" * 999 + b'"'}),
        (PublicationTooLarge, {"info": b'{"a":"' + b"x" * 992 + b'"}'}),
        (PublicationTooLarge, {"info": b'{"a":"' + b"x" * 500 + b'"}', "tags": b'{"a":"' + b"x" * 500 + b'"}'}),
        (InvalidId, {"id": "x" * 129}),
        (InvalidId, {"id": "a\nb"}),
        (InvalidId, {"id": "\udc80"}),
        (InvalidId, {"sender": "\x00"}),
        (InvalidId, {"sender": "x" * 129}),
    ],
)
async def test_what_is_wrong_is_refused_by_name_and_nothing_is_stored(broker, refusal, wrong):
    with pytest.raises(refusal) as caught:
        await broker.publish(**({"channel": "news", "data": b"1"} | wrong))

    assert type(caught.value) is refusal
    assert (await broker.read("news", 0, 10)).top == 0


@pytest.mark.parametrize("data", [b"null", b'"x"', b"-1.5e+3", b' [1, {"a": "1.\\u0041\\n."}]\r\n', '"ü€😀"'.encode()])
async def test_every_json_value_can_be_published(broker, data):
    assert (await broker.publish("news", data)).offset == 1


@pytest.mark.parametrize("sender", ["", "7"])
@pytest.mark.parametrize("tags", [b"", b"{}", '{"lang":"de","ü":"\\u00fc €"}'.encode()])
@pytest.mark.parametrize("info", [b"", b"{}", '{"user": "7", "conn_info": {"n": [null, 1.50]}, "ü": "\\n"}'.encode()])
async def test_info_and_tags_go_with_the_data_stored_and_told(broker, listener, sender, info, tags):
    await broker.follow("news")
    await broker.publish("news", b'{"text":\n"hi"}', sender=sender, info=info, tags=tags)

    (kept,) = (await broker.read("news", 0, 10)).publications
    assert (kept.data, kept.sender, kept.info, kept.tags) == (b'{"text":\n"hi"}', sender, info, tags)
    assert [hint.publication for hint in await listener.wait_hints(1)] == [kept]


@pytest.mark.parametrize("channel", ["news", "none:x"])
@pytest.mark.parametrize("info", [b"", b'{"a":1}'])
@pytest.mark.parametrize("tags", [b"", b'{"b":"2"}'])
@pytest.mark.parametrize("sender", ["", "7"])
async def test_the_wish_for_a_delta_goes_with_the_data(broker, listener, channel, info, tags, sender):
    await broker.follow(channel)
    await broker.publish(channel, b"1", sender=sender, info=info, tags=tags, delta=True)
    await broker.publish(channel, b"2", sender=sender, info=info, tags=tags)

    told = [hint.publication for hint in await listener.wait_hints(2)]
    assert [(one.data, one.delta) for one in told] == [(b"1", True), (b"2", False)]
    assert all((one.sender, one.info, one.tags, one.patch) == (sender, info, tags, False) for one in told)
    kept = (await broker.read(channel, 0, 10)).publications
    assert [one.delta for one in kept] == ([True, False] if channel == "news" else [])


async def test_the_wish_for_a_delta_goes_with_all_other_options(broker):
    first = await broker.publish("news", b"1", id="x", version=Version(5, "e"), delta=True)

    assert await broker.publish("news", b"2", version=Version(5, "e"), delta=True) == first
    assert await broker.publish("news", b"3", skip_history=True, delta=True) == Position("", 0)
    assert [one.delta for one in (await broker.read("news", 0, 10)).publications] == [True]


async def test_info_and_tags_are_put_on_one_line_each(broker):
    await broker.publish("news", b"1", info=b'{\n"a":\r\n1}\n', tags=b'\n{"a":\n"1"}')

    (kept,) = (await broker.read("news", 0, 10)).publications
    assert (kept.data, kept.info.strip(), kept.tags.strip()) == (b"1", b'{ "a":\r 1}', b'{"a": "1"}')


async def test_without_history_info_and_tags_are_told_as_well(broker, listener):
    await broker.follow("none:x")
    await broker.publish("none:x", b"1", info=b'{"a":1}', tags=b'{"b":"2"}')

    (hint,) = await listener.wait_hints(1)
    assert (hint.publication.info, hint.publication.tags) == (b'{"a":1}', b'{"b":"2"}')


async def test_data_info_and_tags_together_may_have_exactly_the_size_that_is_allowed(broker):
    info = b'{"a":"' + b"x" * 989 + b'"}'
    assert (await broker.publish("news", b"1", info=info, tags=b"{}")).offset == 1


async def test_data_may_have_exactly_the_size_that_is_allowed(broker):
    assert (await broker.publish("news", b'"' + b"x" * 998 + b'"')).offset == 1


async def test_a_name_with_the_inbox_sign_is_an_inbox_before_any_colon_or_comma_is_looked_at(broker):
    assert (await broker.publish("#unknown:x", b"1")).offset == 1
    assert (await broker.publish("#7,8", b"1")).offset == 1


async def test_a_private_channel_keeps_what_its_namespace_says(broker):
    for channel in ("$brief:x", "$news"):
        for number in range(10):
            await broker.publish(channel, b"%d" % number)

    assert len((await broker.read("$brief:x", 0, 20)).publications) == 3
    assert len((await broker.read("$news", 0, 20)).publications) == 10
    assert await broker.publish("$none:x", b"1") == Position("", 0)


async def test_of_the_gateways_own_channels_only_the_control_channel_keeps_anything(broker):
    assert await broker.publish("$:node:1", b"1") == Position("", 0)
    assert (await broker.publish("$:control", b"1")).offset == 1


async def test_names_with_signs_of_the_keys_are_channels_of_their_own(broker):
    names = ["a", "{a}", "a}", "{a", "%7Ba%7D", "a%", "{}", "%25", "%"]
    for name in names:
        await broker.publish(name, b"1")

    assert [(await broker.read(name, 0, 10)).top for name in names] == [1] * len(names)


async def test_the_gateways_own_names_may_be_longer_than_the_operators_bound(broker):
    assert await broker.publish("$:answers:" + "x" * 36, b"1") == Position("", 0)


async def test_of_several_at_once_each_has_its_own_result_in_order(broker):
    drafts = [Draft("news", b"1"), Draft("nowhere:x", b"2"), Draft("news", b"not json"), Draft("news", b"3", id="i")]
    drafts += [
        Draft("news", b"4", id="i"),
        Draft("news", b"x" * 2000),
        Draft("#7", b"5", sender="8", info=b'{"user":"8"}'),
    ]

    results = await broker.publish_all(drafts)

    assert [getattr(result, "offset", type(result)) for result in results] == [
        1,
        UnknownChannel,
        InvalidData,
        2,
        2,
        PublicationTooLarge,
        1,
    ]
    assert [one.data for one in (await broker.read("news", 0, 10)).publications] == [b"1", b"3"]
    assert (await broker.read("#7", 0, 10)).publications[0].info == b'{"user":"8"}'
