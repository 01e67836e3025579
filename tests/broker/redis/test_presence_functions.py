"""The functions of presence and marks as any language calls them: what they leave in the server, and how much they do at once."""

from __future__ import annotations

import pytest
from redis import exceptions

from trio_gateway.broker.redis.entries import parse_hint

MINUTE = 60_000
OVERDUE = 700
"""Members; more than one call removes."""


def refused(client, *command):
    with pytest.raises(exceptions.ResponseError) as caught:
        client.execute_command("FCALL", *command)
    return str(caught.value).partition(" ")[0]


@pytest.fixture
def keys(functions):
    return functions.keys.for_presence("a")


@pytest.fixture
def hints(client, functions):
    """Read what was told of the channel `a` since the last call."""
    with client.pubsub(ignore_subscribe_messages=True) as feed:
        feed.subscribe(functions.keys.hints("a"))
        feed.get_message(timeout=10)

        def read():
            client.publish(functions.keys.hints("a"), "the end")
            told = iter(lambda: (feed.get_message(timeout=10) or {"data": b""})["data"], b"the end")
            return [parse_hint("a", payload).passage for payload in told if payload]

        yield read


def let_expire(client, keys, *names):
    client.zadd(keys[1], dict.fromkeys(names, 1))


def join_many(client, functions, count, **options):
    names = [f"c{number}" for number in range(count)]
    for name in names:
        functions.join("a", name, **options)
    return names


def test_what_is_kept_of_a_member_is_the_documented(client, functions, keys):
    functions.join("a", "c1", user="ü:7", info='{"a":1}')
    functions.join("a", "c2", user="", told=0, ttl=1000)

    now = int(client.time()[0]) * 1000
    assert client.hgetall(keys[0]) == {b"c1": '1:4:ü:7{"a":1}'.encode(), b"c2": b'0:0:{"a":1}'}
    assert client.hgetall(keys[2]) == {"ü:7".encode(): b"1", b"": b"1"}
    assert client.zscore(keys[1], "c1") == pytest.approx(now + MINUTE, abs=MINUTE / 2)
    assert client.zscore(keys[1], "c2") == pytest.approx(now + 1000, abs=MINUTE / 2)


def test_the_keys_outlive_the_longest_ttl_by_a_minute(client, functions, keys):
    functions.join("a", "c1", ttl=60 * MINUTE)
    functions.join("a", "c2", ttl=MINUTE)
    functions.presence("renew", "a", MINUTE, "c1", "c2")

    assert [client.pttl(key) for key in keys] == pytest.approx([61 * MINUTE] * 3, abs=MINUTE / 2)


def test_a_renewal_lets_the_keys_live_longer(client, functions, keys):
    functions.join("a", "c1", ttl=MINUTE)
    functions.presence("renew", "a", 60 * MINUTE, "c1")

    assert [client.pttl(key) for key in keys] == pytest.approx([61 * MINUTE] * 3, abs=MINUTE / 2)
    assert client.zscore(keys[1], "c1") > int(client.time()[0]) * 1000 + 30 * MINUTE


def test_where_all_have_left_no_key_remains(client, functions):
    functions.join("a", "c1")
    functions.join("a", "c2", user="")

    assert functions.presence("leave", "a", "c1", "c2", "c3") == 2
    assert client.keys(f"{functions.keys.prefix}:*") == []


def test_one_call_removes_a_bounded_number_and_the_rest_counts_nowhere(client, functions, keys, hints):
    let_expire(client, keys, *join_many(client, functions, OVERDUE))
    functions.join("a", "here", user="8")
    hints()

    assert client.zcard(keys[1]) == OVERDUE - 500 + 1
    assert functions.presence("renew", "a", MINUTE, "c699", "here") == [b"c699"]
    assert functions.presence("presence", "a") == [b"here", b'1:1:8{"a":1}']
    assert functions.presence("presence_statistics", "a") == [1, 1]
    assert len([passage for passage in hints() if not passage.joined]) == OVERDUE - 500


def test_while_some_are_overdue_the_rest_counts_nowhere(client, functions, keys):
    names = join_many(client, functions, 1200)
    functions.join("a", "here", user="8")
    let_expire(client, keys, *names)

    assert functions.presence("presence", "a")[::2] == [b"here"]
    assert functions.presence("presence_statistics", "a")[0] == 1
    assert functions.join("a", "there", limit=2) == 1


def test_who_comes_back_overdue_and_not_removed_yet_left_and_came(client, functions, keys, hints):
    names = join_many(client, functions, OVERDUE)
    functions.join("a", "zz", info='{"n":1}')
    let_expire(client, keys, *names, "zz")
    hints()
    functions.join("a", "zz", info='{"n":2}')

    assert [(passage.joined, passage.info) for passage in hints()][-2:] == [(False, b'{"n":1}'), (True, b'{"n":2}')]
    assert client.hget(keys[2], "7") == b"%d" % (OVERDUE - 500 + 1)


def test_keys_that_are_not_those_of_one_channels_presence_are_refused(client, functions, keys):
    other = functions.keys.for_presence("b")
    for wrong in (
        (keys[0], keys[1]),
        (keys[0], keys[1], other[2]),
        (keys[0], other[1], keys[2]),
        (functions.keys.meta("a"), keys[1], keys[2]),
        (*keys, functions.keys.meta("a")),
        ("nobody", keys[1], keys[2]),
    ):
        for function in ("tg1_join", "tg1_renew", "tg1_leave", "tg1_presence", "tg1_presence_statistics"):
            assert refused(client, function, len(wrong), *wrong, "c1", "7", "{}", 1, 1000, 0) == "TGKEYS"


@pytest.mark.parametrize(
    ("args", "word"),
    [
        ((), "TGARGUMENT"),
        (("c1", "7", "{}", 1, 1000), "TGARGUMENT"),
        (("c1", "7", "{}", "yes", 1000, 0), "TGARGUMENT"),
        (("c1", "7", "{}", 1, 0, 0), "TGARGUMENT"),
        (("c1", "7", "{}", 1, "nan", 0), "TGARGUMENT"),
        (("c1", "7", "{}", 1, 10**15, 0), "TGARGUMENT"),
        (("c1", "7", "{}", 1, 1000, -1), "TGARGUMENT"),
        (("", "7", "{}", 1, 1000, 0), "TGID"),
        (("x" * 129, "7", "{}", 1, 1000, 0), "TGID"),
        (("c1", "\n", "{}", 1, 1000, 0), "TGID"),
        (("c1", "7", "[]", 1, 1000, 0), "TGDATA"),
        (("c1", "7", '{"a":"' + "x" * 65_536 + '"}', 1, 1000, 0), "TGSIZE"),
    ],
)
def test_a_member_that_is_wrong_is_refused_and_leaves_no_key(client, functions, keys, args, word):
    assert refused(client, "tg1_join", 3, *keys, *args) == word
    assert client.keys(f"{functions.keys.prefix}:*") == []


@pytest.mark.parametrize("ttl", [(), ("x",), (0,), (-1,)])
def test_a_renewal_without_a_ttl_is_refused(client, keys, ttl):
    assert refused(client, "tg1_renew", 3, *keys, *ttl) == "TGARGUMENT"


def test_a_mark_expires_with_its_key_at_the_latest(client, functions):
    key = functions.keys.marks
    client.fcall("tg1_mark", 1, key, "a", "1", 60 * MINUTE)
    client.fcall("tg1_mark", 1, key, "b", "2", MINUTE)

    expiry, _, value = client.hget(key, "b").partition(b":")
    assert value == b"2"
    assert int(expiry) == pytest.approx(int(client.time()[0]) * 1000 + MINUTE, abs=MINUTE / 2)
    assert client.pttl(key) == pytest.approx(60 * MINUTE, abs=MINUTE / 2)


def test_expired_marks_are_dropped_on_the_way(client, functions):
    key = functions.keys.marks
    client.hset(key, mapping={f"old{number}": "1:" for number in range(100)})
    for _ in range(3):
        client.fcall("tg1_mark", 1, key, "a", "1", MINUTE)

    assert 71 <= client.hlen(key) <= 73  # ten are looked at, one of which may be the fresh one


def test_marks_may_be_read_where_writing_may_not(client, functions):
    client.fcall("tg1_mark", 1, functions.keys.marks, "a", "1", MINUTE)

    assert client.execute_command("FCALL_RO", "tg1_marks", 1, functions.keys.marks) == [b"a", b"1"]


@pytest.mark.parametrize("key", ["tg:{a}:m", "tg", ":marks", "{a}:marks", "tg:marks:x"])
def test_a_key_of_another_shape_holds_no_marks(client, functions, key):
    assert refused(client, "tg1_mark", 1, key, "a", "1", 1000) == "TGKEYS"
    assert refused(client, "tg1_marks", 1, key) == "TGKEYS"
    assert refused(client, "tg1_marks", 2, functions.keys.marks, functions.keys.marks) == "TGKEYS"


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("a", "1"),
        ("a", "1", -1),
        ("a", "1", "x"),
        ("", "1", 1),
        ("x" * 513, "1", 1),
        ("a\n", "1", 1),
        ("a", "x" * 513, 1),
    ],
)
def test_a_mark_of_another_form_is_refused(client, functions, args):
    assert refused(client, "tg1_mark", 1, functions.keys.marks, *args) == "TGARGUMENT"
