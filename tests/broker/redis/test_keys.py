"""Key names: one hash tag per channel, one channel per hash tag."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from trio_gateway.broker.redis.keys import Keys

KEYS = Keys("tg")
names = st.text(min_size=1)


def test_the_keys_are_the_documented_ones():
    assert KEYS.meta("#7") == "tg:{#7}:m"
    assert KEYS.stream("#7") == "tg:{#7}:s"
    assert KEYS.cursors("#7") == "tg:{#7}:c"
    assert KEYS.record("#7", "ü:1", "x") == "tg:{#7}:i:4:ü:1:x"
    assert KEYS.hints("#7") == "tg:{#7}"
    assert KEYS.for_presence("#7") == ("tg:{#7}:p", "tg:{#7}:pe", "tg:{#7}:pu")
    assert KEYS.owner == "tg:owner"
    assert KEYS.marks == "tg:marks"


def test_braces_and_percent_signs_are_escaped():
    assert KEYS.hints("a{b}%c") == "tg:{a%7Bb%7D%25c}"


@given(names, names)
def test_two_channels_never_share_a_key(one, other):
    assert (KEYS.meta(one) == KEYS.meta(other)) == (one == other)


@given(names, st.text(), names)
def test_all_keys_of_a_channel_share_a_slot(channel, sender, id):
    keys = [*KEYS.for_publish(channel, sender, id), KEYS.cursors(channel), KEYS.hints(channel)]
    keys += KEYS.for_presence(channel)
    assert len({key_slot(key.encode()) for key in keys}) == 1


@given(st.tuples(st.text(), names), st.tuples(st.text(), names))
def test_two_senders_or_ids_never_share_a_record(one, other):
    assert (KEYS.record("c", *one) == KEYS.record("c", *other)) == (one == other)


def test_publishing_without_an_id_takes_two_keys():
    assert KEYS.for_publish("a", "7", "") == ("tg:{a}:m", "tg:{a}:s")


@pytest.mark.parametrize("prefix", ["", "a{b", "ü", "a b", "x" * 65])
def test_a_prefix_of_another_form_is_refused(prefix):
    with pytest.raises(ValueError, match="a key prefix is"):
        Keys(prefix)
