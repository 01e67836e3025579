"""Names of channels, users and devices are judged once, here."""

import pytest

from trio_gateway.model.channel import check_channel, inbox_of, is_inbox, namespace_of
from trio_gateway.model.errors import BadRequest, InvalidChannel
from trio_gateway.model.user import ANONYMOUS, User, check_device, check_user_id


@pytest.mark.parametrize("user", ["7", "7,8", "news:x", "#7", "{}%", "é" * 64])
def test_a_name_that_starts_with_the_sign_is_an_inbox_whatever_follows(user):
    assert is_inbox(inbox_of(user))
    assert inbox_of(user) == "#" + user


@pytest.mark.parametrize(
    ("channel", "namespace"), [("news", None), ("news:x", "news"), ("news:x:y", "news"), (":x", "")]
)
def test_the_first_colon_ends_the_namespace(channel, namespace):
    assert namespace_of(channel) == namespace


@pytest.mark.parametrize("channel", ["", "a\nb", "a\x00", "\ud800", "é" * 128])
def test_a_channel_name_that_is_empty_too_long_or_not_text_is_refused(channel):
    with pytest.raises(InvalidChannel):
        check_channel(channel, max_bytes=255)


def test_the_longest_channel_name_is_counted_in_bytes():
    assert check_channel("é" * 127, max_bytes=254) == "é" * 127


@pytest.mark.parametrize("user", ["", "a\tb", "x" * 129, "é" * 65, "\udfff", "\x85"])
def test_a_user_id_is_1_to_128_bytes_without_control_characters(user):
    with pytest.raises(BadRequest):
        check_user_id(user)
    if not user:
        assert User(user) == ANONYMOUS
        return
    with pytest.raises(BadRequest):
        User(user)


@pytest.mark.parametrize("device", ["", "a b", "é", "x" * 65, "a\n"])
def test_a_device_is_1_to_64_plain_characters(device):
    with pytest.raises(BadRequest):
        check_device(device)


def test_a_plain_device_is_taken():
    assert check_device("Phone_1.a-b") == "Phone_1.a-b"
