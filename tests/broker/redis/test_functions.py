"""The functions as any language calls them: keys, arguments, answers, and what they leave in the server."""

from __future__ import annotations

import pytest
from redis import exceptions

from tests.broker.redis.functions import Functions
from trio_gateway.settings.namespaces import ChannelRules, Namespaces

MINUTE = 60_000
DAY = 24 * 60 * MINUTE


def refused(client, *command):
    with pytest.raises(exceptions.ResponseError) as caught:
        client.execute_command(*command)
    return str(caught.value).partition(" ")[0]


def test_a_message_is_sent_with_two_keys_and_the_data_alone(client, functions):
    tag = f"{functions.keys.prefix}:{{#7}}"

    epoch, offset = client.execute_command("FCALL", "tg1_publish", 2, f"{tag}:m", f"{tag}:s", '{"text":"hi"}')
    assert (len(epoch), offset) == (12, 1)


def test_keys_of_different_channels_are_refused(client, functions):
    one, other = functions.keys.meta("a"), functions.keys.stream("b")

    assert refused(client, "FCALL", "tg1_publish", 2, one, other, "1") == "TGKEYS"
    assert refused(client, "FCALL", "tg1_read", 2, one, other, 0, 1, 1) == "TGKEYS"
    assert refused(client, "FCALL", "tg1_read_back", 2, one, other, 0, 1, 1) == "TGKEYS"
    assert refused(client, "FCALL", "tg1_remove", 2, one, other) == "TGKEYS"
    assert refused(client, "FCALL", "tg1_attach", 2, one, other) == "TGKEYS"
    assert refused(client, "FCALL", "tg1_ack", 2, one, other, "d", "e", 1) == "TGKEYS"


@pytest.mark.parametrize("record", [None, "x", "i:0::y", "i:1::x"])
def test_an_id_needs_its_own_record_as_third_key(client, functions, record):
    base = functions.keys.hints("a")
    keys = [f"{base}:m", f"{base}:s", *([f"{base}:{record}"] if record else [])]

    assert refused(client, "FCALL", "tg1_publish", len(keys), *keys, "1", "", "x") == "TGKEYS"


@pytest.mark.parametrize("tag", ["{%41}", "{%7b}", "{%}", "{a%2}", "{}}", "a", "{a}b"])
def test_only_one_spelling_of_a_channel_is_taken(client, functions, tag):
    base = f"{functions.keys.prefix}:{tag}"

    assert refused(client, "FCALL", "tg1_publish", 2, f"{base}:m", f"{base}:s", "1") == "TGKEYS"


def test_a_prefix_without_settings_is_refused_by_name(client, functions):
    assert refused(client, "FCALL", "tg1_publish", 2, "nobody:{a}:m", "nobody:{a}:s", "1") == "TGPREFIX"


@pytest.mark.parametrize("arguments", [(), ("x", 1, 1), (-1, 1, 1), (0, "x", 1)])
def test_a_read_without_numbers_is_refused(client, functions, arguments):
    keys = (functions.keys.meta("a"), functions.keys.stream("a"))

    assert refused(client, "FCALL", "tg1_read", 2, *keys, *arguments) == "TGARGUMENT"
    assert refused(client, "FCALL", "tg1_read_back", 2, *keys, *arguments) == "TGARGUMENT"


@pytest.mark.parametrize(
    ("more", "entry"),
    [
        ((), b"[0,%d]\n1"),
        (("",), b"[0,%d]\n1"),
        (("", "", "", "", "", "", ""), b"[0,%d]\n1"),
        (("7", "", '{"a":1}'), b'[0,%d,"7","",{"a":1}]\n1'),
        (("", "", "", '{"b":"2"}'), b'[0,%d,"","",null,{"b":"2"}]\n1'),
        (("", "", "{}", "{}", "", "3", "e"), b'[0,%d,"","",{},{}]\n1'),
    ],
)
def test_an_entry_has_what_was_given_and_nothing_behind_it(client, functions, more, entry):
    keys = (functions.keys.meta("a"), functions.keys.stream("a"))
    client.fcall("tg1_publish", 2, *keys, "1", *more)

    ((_id, fields),) = client.xrange(keys[1])
    time = int(fields[b"1"].split(b",")[1].partition(b"]")[0])
    assert fields == {b"1": entry % time}


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (("", "", "[]"), "TGDATA"),
        (("", "", "", '{"a":1}'), "TGDATA"),
        (("", "", "", "", "yes"), "TGARGUMENT"),
        (("", "", "", "", "", "0"), "TGARGUMENT"),
        (("", "", "", "", "", "1.5"), "TGARGUMENT"),
        (("", "", "", "", "", "0x10"), "TGARGUMENT"),
        (("", "", "", "", "", "9007199254740992"), "TGARGUMENT"),
        (("", "", "", "", "", "1", "x" * 129), "TGID"),
    ],
)
def test_what_is_wrong_behind_the_id_is_refused_and_leaves_no_key(client, functions, more, word):
    keys = (functions.keys.meta("a"), functions.keys.stream("a"))

    assert refused(client, "FCALL", "tg1_publish", 2, *keys, "1", *more) == word
    assert client.keys(f"{functions.keys.prefix}:*") == []


def test_a_history_that_begins_again_after_it_was_removed_expires(client, functions):
    functions.publish("#7")
    keys = (functions.keys.meta("#7"), functions.keys.stream("#7"))

    assert client.fcall("tg1_remove", 2, *keys) == 1
    functions.publish("#7")
    assert client.pttl(keys[1]) == pytest.approx(7 * DAY, abs=MINUTE)


def test_a_node_of_the_first_release_can_probe(client, functions):
    assert functions.publish("$node:one", "1") == ("", 0)
    with pytest.raises(exceptions.ResponseError, match="TGNAMESPACE no namespace 'other' is configured"):
        functions.publish("$other:one", "1")


def test_reading_may_be_done_where_writing_may_not(client, functions):
    functions.publish("a")
    keys = (functions.keys.meta("a"), functions.keys.stream("a"))

    assert client.execute_command("FCALL_RO", "tg1_read", 2, *keys, 0, 10, 1000)[1] == 1


def test_the_library_tells_its_revision_and_the_settings_of_every_prefix(functions):
    assert functions.settings()[functions.keys.prefix] == functions.wanted


def test_large_offsets_are_never_written_in_exponent_form(client, functions):
    epoch, _ = functions.publish("#7")
    client.hset(functions.keys.meta("#7"), mapping={"s": "1795381991694946"})
    functions.attach("#7", "old")
    functions.publish("#7", id="x")
    functions.ack("#7", "phone", epoch, 1795381991694947)
    functions.attach("#7", "desk")

    written = [
        client.hget(functions.keys.meta("#7"), "s"),
        client.get(functions.keys.record("#7", "", "x")),
        *client.hvals(functions.keys.cursors("#7")),
        *(entry for entry, _fields in client.xrange(functions.keys.stream("#7"))),
    ]
    assert b"1795381991694947-0" in written
    assert not [text for text in written if b"e+" in text]
    assert functions.read("#7")[1] == 1795381991694947


def test_expiries_are_set_by_the_first_publication(client, functions):
    functions.publish("#7", id="x")
    functions.attach("#7", "phone")

    assert client.pttl(functions.keys.stream("#7")) == pytest.approx(7 * DAY, abs=MINUTE)
    assert client.pttl(functions.keys.meta("#7")) == pytest.approx(30 * DAY, abs=MINUTE)
    assert client.pttl(functions.keys.cursors("#7")) == pytest.approx(30 * DAY, abs=MINUTE)
    assert client.pttl(functions.keys.record("#7", "", "x")) == pytest.approx(5 * MINUTE, abs=MINUTE)


def test_the_history_expires_after_the_first_publication_also_where_an_attach_came_before(client, functions):
    functions.attach("#7", "phone")
    functions.publish("#7")

    assert client.pttl(functions.keys.stream("#7")) == pytest.approx(7 * DAY, abs=MINUTE)


def test_expiries_are_left_alone_while_more_than_nine_tenths_remain(client, functions):
    functions.publish("#7")
    client.pexpire(functions.keys.stream("#7"), 1 * DAY)
    functions.publish("#7")

    assert client.pttl(functions.keys.stream("#7")) == pytest.approx(1 * DAY, abs=MINUTE)


def age(client, functions, channel, milliseconds):
    """Make the last renewals look this old."""
    key = functions.keys.meta(channel)
    for field in ("x", "y"):
        client.hincrby(key, field, -milliseconds)


def test_expiries_are_renewed_together_when_less_remains(client, functions):
    functions.publish("#7")
    functions.attach("#7", "phone")
    for key in (functions.keys.stream("#7"), functions.keys.meta("#7"), functions.keys.cursors("#7")):
        client.pexpire(key, MINUTE)
    age(client, functions, "#7", 4 * DAY)
    functions.publish("#7")

    assert client.pttl(functions.keys.stream("#7")) == pytest.approx(7 * DAY, abs=MINUTE)
    assert client.pttl(functions.keys.meta("#7")) == pytest.approx(30 * DAY, abs=MINUTE)
    assert client.pttl(functions.keys.cursors("#7")) == pytest.approx(30 * DAY, abs=MINUTE)


@pytest.mark.parametrize("renew", ["attach", "ack"])
def test_attach_and_ack_renew_meta_and_cursors(client, functions, renew):
    epoch, _ = functions.publish("#7")
    functions.attach("#7", "phone")
    functions.publish("#7")
    age(client, functions, "#7", 4 * DAY)
    for key in (functions.keys.meta("#7"), functions.keys.cursors("#7")):
        client.pexpire(key, MINUTE)
    if renew == "attach":
        functions.attach("#7", "phone")
    else:
        functions.ack("#7", "phone", epoch, 2)

    assert client.pttl(functions.keys.meta("#7")) == pytest.approx(30 * DAY, abs=MINUTE)
    assert client.pttl(functions.keys.cursors("#7")) == pytest.approx(30 * DAY, abs=MINUTE)


def test_nothing_lives_for_ever(client, functions):
    for channel in ("#7", "news"):
        functions.attach(channel, "phone")
        functions.publish(channel, id="x")

    keys = client.keys(f"{functions.keys.prefix}:*")
    assert len(keys) == 8
    assert [key for key in keys if client.ttl(key) < 0] == []


def test_a_refusal_leaves_no_key(client, functions):
    for channel, data in (("#7", "no"), ("unknown:x", "1"), ("a\nb", "1"), ("x" * 256, "1")):
        with pytest.raises(exceptions.ResponseError):
            functions.publish(channel, data, id="x")

    assert client.keys(f"{functions.keys.prefix}:*") == []


def test_a_stale_stream_does_not_refuse_the_offsets_of_a_new_epoch(client, functions):
    for _ in range(5):
        functions.publish("#7")
    client.delete(functions.keys.meta("#7"))

    assert functions.publish("#7")[1] == 1
    assert functions.read("#7")[2] == [b"1-0"]


def test_epochs_differ_also_in_one_moment(client, functions):
    pipeline = client.pipeline(transaction=True)
    for number in range(100):
        keys = functions.keys.for_publish(f"#{number}", "", "")
        pipeline.fcall("tg1_publish", 2, *keys, "1")

    assert len({epoch for epoch, _offset in pipeline.execute()}) == 100


def test_settings_of_two_prefixes_live_side_by_side(client):
    one = Functions(client, "one", Namespaces(named={"a": ChannelRules()})).load()
    other = Functions(client, "other", Namespaces(named={"b": ChannelRules()})).load()

    assert one.publish("a:x")[1] == 1
    assert other.publish("b:x")[1] == 1
    with pytest.raises(exceptions.ResponseError, match="TGNAMESPACE"):
        one.publish("b:x")
