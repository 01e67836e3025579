"""What is unread in the chat is a fold over the inbox, and is the same wherever a device begins to fold again."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples.chat.app import PAGE

CHANNELS = ["room:lobby", "dm:#1,2", "dm:#1,3"]

FOLD = """([publications, channels, cursor]) => {
    const unread = new Unread();
    unread.begin({ offset: cursor, epoch: "e" });
    for (const { offset, data } of publications) if (offset > cursor) unread.take(offset, data);
    return {
        counts: channels.map((channel) => unread.count(channel)),
        newest: channels.map((channel) => unread.newest(channel)),
        done: unread.done.offset,
    };
}"""

messages = st.builds(lambda channel: {"type": "message", "channel": channel}, st.sampled_from(CHANNELS))
read_markers = st.builds(
    lambda channel, offset: {"type": "read", "channel": channel, "offset": offset},
    st.sampled_from(CHANNELS),
    st.integers(0, 12),
)


@st.composite
def inboxes(draw):
    """Make what an inbox may hold: offsets rise, and may jump; a marker is about what came before it."""
    inbox, offset = [], 0
    for data in draw(st.lists(messages | read_markers, max_size=12)):
        offset += draw(st.integers(1, 3))
        marked = {"offset": min(data["offset"], offset - 1)} if data["type"] == "read" else {"id": f"id-{offset}"}
        inbox.append({"offset": offset, "data": {**data, **marked}})
    return inbox


@pytest.fixture(scope="module")
def fold(browser):
    """Give what folds an inbox in the page's own code, from a cursor on."""
    page = browser.new_page()
    source = (
        (PAGE / "unread.js").read_text(encoding="utf-8").replace("export class Unread", "globalThis.Unread = class")
    )
    page.evaluate(f"() => {{ {source} }}")
    yield lambda inbox, cursor=0: page.evaluate(FOLD, [inbox, CHANNELS, cursor])
    page.close()


def message(offset, channel, id=None):
    return {"offset": offset, "data": {"type": "message", "channel": channel, "id": id or f"id-{offset}"}}


def read(offset, channel, up_to):
    return {"offset": offset, "data": {"type": "read", "channel": channel, "offset": up_to}}


def test_messages_count_until_they_are_read(fold):
    lobby, direct, _other = CHANNELS
    inbox = [message(1, lobby), message(2, direct), message(3, lobby), read(4, lobby, 3), message(5, lobby)]

    assert fold(inbox) == {"counts": [1, 1, 0], "newest": [5, 2, 0], "done": 1}


def test_where_all_is_read_everything_is_done(fold):
    lobby, *_others = CHANNELS

    assert fold([message(1, lobby), message(2, lobby), read(3, lobby, 2)])["done"] == 3


def test_what_comes_again_counts_once(fold):
    lobby, *_others = CHANNELS
    inbox = [message(1, lobby), message(1, lobby), message(2, lobby, id="id-1")]

    assert fold(inbox)["counts"] == [1, 0, 0]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(inbox=inboxes(), cut=st.integers(0, 12))
def test_a_device_that_begins_again_at_its_cursor_comes_to_the_same(fold, inbox, cut):
    """Whenever it acknowledged: what it acknowledged earlier only lies further back."""
    cursor = fold(inbox[:cut])["done"]

    assert fold(inbox, cursor) == fold(inbox)
