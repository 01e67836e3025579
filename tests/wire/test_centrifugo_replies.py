"""What the Centrifugo protocol's clients read: the fields that must be there are, the empty ones are not, each in one line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.model.codes import SERVER_UNSUBSCRIBE, STATE_INSUFFICIENT
from trio_gateway.model.position import Position
from trio_gateway.model.presence import Member, Passage, PresenceStatistics
from trio_gateway.model.publication import Publication
from trio_gateway.model.replies import (
    Answered,
    Connected,
    Counted,
    Error,
    Goodbye,
    Kept,
    Ping,
    Present,
    Published,
    Refreshed,
    RefreshedByServer,
    Subscribed,
    SubscribedByServer,
    SubscriptionRefreshed,
    Unsubscribed,
    UnsubscribedByServer,
)
from trio_gateway.wire.centrifugo import CentrifugoCodec
from trio_gateway.wire.framing import line

START = Position("", 0)
PLACE = Position("e", 7)
INFO = b'{"user":"7","client":"c1"}'
CODEC = CentrifugoCodec("1.0", line)


def said(reply):
    return CODEC.encode(reply).decode().removesuffix("\n")


def pushed(channel, publication):
    return CODEC.encode_publication(CODEC.publication_head(channel, "e"), publication).decode().removesuffix("\n")


@pytest.mark.parametrize(
    ("reply", "result"),
    [
        (Published(1, 0), '"publish":{}'),
        (Published(1, 9, b"1"), '"publish":{}'),
        (Unsubscribed(1), '"unsubscribe":{}'),
        (Subscribed(1, PLACE), '"subscribe":{}'),
        (Subscribed(1, PLACE, positioned=True), '"subscribe":{"epoch":"e","offset":7,"positioned":true}'),
        (Subscribed(1, Position("e", 0), positioned=True), '"subscribe":{"epoch":"e","positioned":true}'),
        (
            Subscribed(1, PLACE, positioned=True, recoverable=True, was_recovering=True),
            '"subscribe":{"recoverable":true,"epoch":"e","offset":7,"positioned":true,"was_recovering":true}',
        ),
        (
            Subscribed(
                1,
                PLACE,
                positioned=True,
                recoverable=True,
                was_recovering=True,
                recovered=True,
                publications=[Publication(8, 7, b"[ 1 ]", 5, info=INFO, tags=b'{"a":"b"}'), Publication(9, 8, b"2", 5)],
            ),
            (
                '"subscribe":{"recoverable":true,"epoch":"e",'
                '"publications":[{"data":[ 1 ],"info":{"user":"7","client":"c1"},"offset":8,"tags":{"a":"b"}},'
                '{"data":2,"offset":9}],'
                '"recovered":true,"offset":7,"positioned":true,"was_recovering":true}'
            ),
        ),
        (Subscribed(1, START, ttl=60, data=b'{"a":1}'), '"subscribe":{"expires":true,"ttl":60,"data":{"a":1}}'),
        (Subscribed(1, START, data=b"null"), '"subscribe":{"data":null}'),
        (Present(1, {}), '"presence":{"presence":{}}'),
        (
            Present(1, {"c1": Member("c1", "7", INFO)}),
            '"presence":{"presence":{"c1":{"user":"7","client":"c1"}}}',
        ),
        (Counted(1, PresenceStatistics(0, 0)), '"presence_stats":{"num_clients":0,"num_users":0}'),
        (Counted(1, PresenceStatistics(3, 2)), '"presence_stats":{"num_clients":3,"num_users":2}'),
        (Kept(1, (), START), '"history":{"publications":[],"epoch":"","offset":0}'),
        (
            Kept(1, [Publication(3, 2, b"1", 5, "7", "m1", INFO)], PLACE),
            '"history":{"publications":[{"data":1,"info":{"user":"7","client":"c1"},"offset":3}],"epoch":"e","offset":7}',
        ),
        (Answered(1, b'{"a": 1}'), '"rpc":{"data":{"a": 1}}'),
        (Answered(1, b"null"), '"rpc":{"data":null}'),
        (Answered(1), '"rpc":{}'),
        (Refreshed(1), '"refresh":{}'),
        (Refreshed(1, 60), '"refresh":{"expires":true,"ttl":60}'),
        (SubscriptionRefreshed(1), '"sub_refresh":{}'),
        (SubscriptionRefreshed(1, 60), '"sub_refresh":{"expires":true,"ttl":60}'),
        (Connected(1, "7", "c1", 25.0, PLACE), '"connect":{"client":"c1","version":"1.0","ping":25,"pong":true}'),
        (Connected(1, "7", "c1", 0, PLACE, data=b"[1]"), '"connect":{"client":"c1","version":"1.0","data":[1]}'),
        (Connected(1, "7", "c1", 0, PLACE), '"connect":{"client":"c1","version":"1.0"}'),
        (Connected(1, "7", "c1", 0.5, PLACE), '"connect":{"client":"c1","version":"1.0","ping":1,"pong":true}'),
        (
            Connected(
                1, "", "c1", 0, START, {"a": Subscribed(None, PLACE, positioned=True), "b": Subscribed(None, START)}, 60
            ),
            (
                '"connect":{"expires":true,"ttl":60,"client":"c1","version":"1.0",'
                '"subs":{"a":{"epoch":"e","offset":7,"positioned":true},"b":{}}}'
            ),
        ),
        (Error(1, 103, "permission denied", "why"), '"error":{"code":103,"message":"permission denied"}'),
        (
            Error(1, 100, "internal server error", temporary=True),
            '"error":{"code":100,"message":"internal server error","temporary":true}',
        ),
    ],
)
def test_an_answer_has_its_method_and_leaves_out_what_is_empty(reply, result):
    assert said(reply) == f'{{"id":1,{result}}}'


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (Ping(), "{}"),
        (
            SubscribedByServer("a", Subscribed(None, PLACE, positioned=True, recoverable=True, data=b"1")),
            '{"push":{"channel":"a","subscribe":{"recoverable":true,"epoch":"e","offset":7,"positioned":true,"data":1}}}',
        ),
        (RefreshedByServer(60), '{"push":{"refresh":{"expires":true,"ttl":60}}}'),
        (RefreshedByServer(None), '{"push":{"refresh":{}}}'),
        (SubscribedByServer("a", Subscribed(None, PLACE)), '{"push":{"channel":"a","subscribe":{}}}'),
        (
            UnsubscribedByServer("a", SERVER_UNSUBSCRIBE),
            '{"push":{"channel":"a","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}}',
        ),
        (
            UnsubscribedByServer("a", STATE_INSUFFICIENT),
            '{"push":{"channel":"a","unsubscribe":{"code":2500,"reason":"insufficient state"}}}',
        ),
    ],
)
def test_a_push_has_no_id(reply, text):
    assert said(reply) == text


def test_recovered_publications_are_not_in_the_push_of_a_subscription_by_the_server():
    recovered = Subscribed(None, PLACE, was_recovering=True, recovered=True, publications=[Publication(8, 7, b"1", 5)])

    assert said(SubscribedByServer("a", recovered)) == '{"push":{"channel":"a","subscribe":{}}}'


@pytest.mark.parametrize("reply", [Error(None, 107, "bad request"), Answered(None, b"1"), Published(None, 3)])
def test_what_had_no_id_is_not_answered(reply):
    assert CODEC.encode(reply) == b""


def test_a_goodbye_is_said_by_the_close_frame_alone():
    assert CODEC.encode(Goodbye(3001, "shutdown", 5)) == b""


@pytest.mark.parametrize(
    ("publication", "content"),
    [
        (Publication(7, 6, b'{ "t": 1 }', 5), '{"data":{ "t": 1 },"offset":7}'),
        (Publication(0, 0, b"null", 5), '{"data":null}'),
        (Publication(7, 6, b"1", 5, "7", "m1"), '{"data":1,"offset":7}'),
        (
            Publication(7, 6, b"1", 5, info=INFO, tags=b'{"a":"b"}'),
            '{"data":1,"info":{"user":"7","client":"c1"},"offset":7,"tags":{"a":"b"}}',
        ),
        (Publication(0, 0, b"1", 5, info=INFO), '{"data":1,"info":{"user":"7","client":"c1"}}'),
        (Publication(0, 0, b"1", 5, tags=b'{"a":"b"}'), '{"data":1,"tags":{"a":"b"}}'),
        (Publication(7, 6, b'"1\\n0;"', 5, patch=True), '{"data":"1\\n0;","offset":7,"delta":true}'),
        (Publication(7, 6, b'"1"', 5, delta=True), '{"data":"1","offset":7}'),
    ],
)
def test_a_publication_shows_its_data_and_what_else_it_has(publication, content):
    assert pushed("chat", publication) == f'{{"push":{{"channel":"chat","pub":{content}}}}}'


@pytest.mark.parametrize(("joined", "kind"), [(True, "join"), (False, "leave")])
def test_a_passage_shows_who_it_is(joined, kind):
    text = CODEC.encode_passage('a"b', Passage(joined, INFO)).decode().removesuffix("\n")

    assert text == f'{{"push":{{"channel":"a\\"b","{kind}":{{"info":{{"user":"7","client":"c1"}}}}}}}}'


# -- Whatever they hold

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
texts = st.builds(
    lambda value, indent, ascii_only: json.dumps(value, indent=indent, ensure_ascii=ascii_only),
    json_values,
    st.sampled_from([None, 0, 2]),  # with line breaks between values, and without
    st.booleans(),
).map(str.encode)
objects = st.dictionaries(st.text(max_size=5), st.text(max_size=5), min_size=1, max_size=3)
object_texts = objects.map(lambda value: json.dumps(value, indent=1).encode())
channels = st.text(min_size=1, max_size=20)
ids = st.integers(1, 2**32 - 1)
positions = st.builds(Position, st.text(max_size=5), st.integers(0, 2**53 - 1))
ttls = st.none() | st.integers(1, 2**32 - 1)
publications = st.builds(
    Publication,
    st.integers(0, 2**53 - 1),
    st.just(0),
    texts,
    st.integers(0, 2**43),
    info=st.just(b"") | object_texts,
    tags=st.just(b"") | object_texts,
)
some_publications = st.lists(publications, max_size=3)
flag = st.booleans()
subscribed = st.builds(
    Subscribed, ids, positions, flag, flag, flag, flag, some_publications, ttls, st.just(b"") | texts
)
replies = st.one_of(
    subscribed,
    st.builds(
        Connected, ids, channels, channels, st.floats(0, 99), positions, st.dictionaries(channels, subscribed), ttls
    ),
    st.builds(Published, ids, st.integers(0, 9), st.none() | texts),
    st.builds(Answered, ids, st.none() | texts),
    st.builds(Present, ids, st.dictionaries(channels, st.builds(Member, channels, channels, object_texts), max_size=3)),
    st.builds(Counted, ids, st.builds(PresenceStatistics, st.integers(0), st.integers(0))),
    st.builds(Kept, ids, some_publications, positions),
    st.builds(Refreshed, ids, ttls) | st.builds(SubscriptionRefreshed, ids, ttls),
    st.builds(Error, ids, st.integers(100, 4999), st.text(), st.text(), flag),
    st.builds(SubscribedByServer, channels, subscribed) | st.builds(RefreshedByServer, ttls),
)


@given(replies)
def test_every_reply_is_one_line_of_json_with_its_id_or_a_push(reply):
    text = said(reply)

    assert "\n" not in text
    (method,) = (read := json.loads(text)).keys() - {"id"}
    assert read.get("id") == getattr(reply, "ref", None)
    assert (method == "push") == ("id" not in read)
    assert (method == "error") == isinstance(reply, Error)


def in_python(publication):
    fields = {"data": json.loads(publication.data), "offset": publication.offset}
    fields |= {name: json.loads(text) for name in ("info", "tags") if (text := getattr(publication, name))}
    return {name: value for name, value in fields.items() if name == "data" or value}


@given(channels, publications)
def test_whatever_a_publication_holds_it_is_one_line_that_says_it(channel, publication):
    text = pushed(channel, publication)

    assert "\n" not in text
    assert json.loads(text) == {"push": {"channel": channel, "pub": in_python(publication)}}


@given(some_publications, positions)
def test_a_history_says_the_same_of_each_publication(kept, top):
    result = json.loads(said(Kept(1, kept, top)))["history"]

    assert result["publications"] == [in_python(publication) for publication in kept]
    assert (result["epoch"], result["offset"]) == (top.epoch, top.offset)


@given(channels, object_texts, st.booleans())
def test_whoever_comes_or_goes_it_is_told_in_one_line(channel, info, joined):
    text = CODEC.encode_passage(channel, Passage(joined, info)).decode().removesuffix("\n")

    assert "\n" not in text
    assert json.loads(text)["push"]["join" if joined else "leave"] == {"info": json.loads(info)}


@given(texts, texts)
def test_data_of_applications_is_passed_in_one_line(data, other):
    assert json.loads(said(Answered(1, data)))["rpc"] == {"data": json.loads(data)}
    assert json.loads(said(Subscribed(1, START, data=other)))["subscribe"] == {"data": json.loads(other)}
