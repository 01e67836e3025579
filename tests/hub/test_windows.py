"""A window answers as the store would have done when it was read, or not at all; what is kept of them is bounded."""

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.hub import windows as windows_module
from trio_gateway.hub.tail import TailBudget
from trio_gateway.hub.topic import Topic
from trio_gateway.hub.windows import KEPT_SECONDS, WINDOWS_PER_TOPIC, Window, Windows
from trio_gateway.model.publication import Publication
from trio_gateway.model.recovery import Stored


def stream(*offsets, prev=0, size=1):
    publications = []
    for offset in offsets:
        publications.append(Publication(offset, prev, b"1" * size, 0))
        prev = offset
    return tuple(publications)


def topic_at(top, epoch="e"):
    topic = Topic("news", TailBudget())
    topic.begin(epoch, top)
    return topic


def read(kept, top, after, limit):
    """Answer as the store does."""
    return Stored("e", top, tuple(each for each in kept if each.offset > after)[:limit])


steps = st.lists(st.sampled_from([1, 1, 1, 2, 1000]), max_size=12)


@given(steps, steps, st.booleans(), st.integers(1, 13), st.integers(1, 13), st.data())
def test_what_it_answers_is_what_the_store_would_have(gone, kept_steps, lost_tail, count, limit, data):
    """The store may have lost what was before (`gone`), and publications behind those that it keeps."""

    async def story():
        offsets, top = [], 0
        for step in (*gone, *kept_steps):
            top += step
            offsets.append(top)
        first = offsets[len(gone) - 1] if gone else 0
        kept = stream(*offsets[len(gone) :], prev=first)
        top += lost_tail
        place = st.integers(0, top + 2)
        began, after = data.draw(place), data.draw(place)
        window = Window(began, read(kept, top, began, count))
        answer, direct = window.answer(after, limit), read(kept, top, after, limit)

        if answer is not None:
            assert (answer.epoch, answer.top) == (direct.epoch, direct.top)
            assert bool(answer.publications) == bool(direct.publications)
            assert answer.publications == direct.publications[: len(answer.publications)]
        elif after >= began:
            assert not window.answer(window.end, limit)  # it was cut

    trio.run(story)


async def test_it_is_used_by_who_asks_for_a_part_of_it_only():
    windows, topic = Windows(), topic_at(9)
    windows.keep(topic, Window(3, Stored("e", 9, stream(4, 5, 6, prev=3))))

    assert windows.find(topic, 2, 10) is None
    assert [each.offset for each in windows.find(topic, 3, 2).publications] == [4, 5]
    assert [each.offset for each in windows.find(topic, 5, 10).publications] == [6]
    assert windows.find(topic, 6, 10) is None


async def test_that_nothing_is_left_is_said_again_only_where_nothing_new_was_heard_of():
    windows, topic = Windows(), topic_at(9)
    windows.keep(topic, Window(3, Stored("e", 9, ())))
    assert windows.find(topic, 3, 10) == Stored("e", 9, ())
    assert windows.find(topic, 9, 10) is None
    topic.top = 10

    assert windows.find(topic, 3, 10) is None


async def test_in_a_new_epoch_nothing_of_the_old_one_is_used():
    windows, topic = Windows(), topic_at(9)
    windows.keep(topic, Window(0, Stored("e", 9, stream(1, 2))))
    topic.begin("f", 9)

    assert windows.find(topic, 0, 10) is None


async def test_a_topic_that_is_forgotten_has_none():
    windows, topic, other = Windows(), topic_at(9), topic_at(9)
    for each in (topic, topic, other):
        windows.keep(each, Window(0, Stored("e", 9, stream(1, 2))))
    used = windows.used
    windows.forget(topic)
    windows.forget(topic)

    assert not windows.has(topic)
    assert windows.has(other)
    assert windows.used == used / 3


async def test_it_goes_after_a_moment(autojump_clock):
    windows, topic = Windows(), topic_at(2)
    windows.keep(topic, Window(0, Stored("e", 2, stream(1, 2))))
    await trio.sleep(KEPT_SECONDS * 0.9)
    assert windows.find(topic, 0, 10)
    await trio.sleep(KEPT_SECONDS * 0.2)
    windows.drop_old()

    assert not windows.has(topic)
    assert windows.used == 0


async def test_a_topic_keeps_its_newest_ones():
    windows, topic = Windows(), topic_at(100)
    for after in range(WINDOWS_PER_TOPIC + 3):
        windows.keep(topic, Window(after, Stored("e", 100, stream(after + 1, prev=after))))

    assert windows.find(topic, 2, 10) is None
    assert windows.find(topic, 3, 10)


@pytest.mark.parametrize("size", [3_000_000, 17_000_000])
async def test_a_node_keeps_so_many_bytes_whatever_the_topics(size):
    windows, topics = Windows(), [topic_at(1) for _ in range(20)]
    for topic in topics:
        windows.keep(topic, Window(0, Stored("e", 1, stream(1, size=size))))

    assert windows.used <= windows_module.MAX_BYTES
    assert sum(map(windows.has, topics)) == windows_module.MAX_BYTES // size
    assert [windows.has(topic) for topic in topics] == sorted(map(windows.has, topics))
