"""Who is in which conversation of the chat."""

from __future__ import annotations

import pytest

from examples.chat.conversations import ROOMS, NoSuchConversation, direct_channel, members_of

PEOPLE = ["2", "8", "10"]


@pytest.mark.parametrize("room", ROOMS)
def test_everybody_is_in_every_room(room):
    assert members_of(room, "2", PEOPLE) == PEOPLE


def test_two_people_have_one_conversation_whoever_begins():
    assert direct_channel("10", "8") == direct_channel("8", "10") == "dm:#8,10"
    assert members_of("dm:#8,10", "10", PEOPLE) == ["8", "10"]


@pytest.mark.parametrize(
    "channel", ["dm:#10,8", "dm:#8,10,2", "dm:#08,10", "dm:#2,10", "dm:#8,8", "dm:#8,11", "dm:#8,1०"]
)
def test_there_is_no_other(channel):
    with pytest.raises(NoSuchConversation):
        members_of(channel, "8", PEOPLE)
