"""A page of a view ends at its bounds, and the cursor stands where it ends; what a filter leaves out is behind it, too."""

from __future__ import annotations

import msgspec
import pytest
from hub.clients import CENTRIFUGO, read_frames
from hub.views import ViewClient, tagged, wants

from trio_gateway.hub.deltas import BYTES_PER_TURN
from trio_gateway.hub.page import PAGE_BYTES, view_page
from trio_gateway.model.publication import Publication


@pytest.fixture
async def subscription(hub):
    subscription = await hub.subscribe(ViewClient(hub, CENTRIFUGO).subscriber, "delta:x")
    subscription.topic.top = 20
    return subscription


def publications(tags, data=b"1"):
    return [Publication(n, n - 1, data, 0, tags=tagged(tag)) for n, tag in enumerate(tags, 1)]


def offsets(page):
    return [frame["push"]["pub"]["offset"] for frame in read_frames(page)]


async def test_what_a_filter_leaves_out_is_behind_the_cursor(subscription):
    subscription.filter = wants("a")

    assert offsets(view_page(subscription, publications("babb"))) == [2]
    assert subscription.cursor == 4


async def test_of_what_a_filter_leaves_out_nothing_is_written(subscription):
    subscription.filter = wants("a")

    assert view_page(subscription, publications("bbb")) == b""
    assert subscription.cursor == 3


async def test_a_page_is_cut_after_its_bytes(subscription):
    subscription.filter = wants("a")
    data = b'"%b"' % (b"x" * (PAGE_BYTES // 2))

    assert offsets(view_page(subscription, publications("baabab", data))) == [2, 3]
    assert subscription.cursor == 3


async def test_one_of_deltas_is_cut_after_the_bytes_that_they_stand_for(subscription):
    """Its patches are short, but they take time to find."""
    subscription.delta = True
    text = "x" * (BYTES_PER_TURN // 3)
    news = [Publication(n, n - 1, msgspec.json.encode(f"{text}{n}"), 0) for n in range(1, 8)]

    assert offsets(view_page(subscription, news)) == [1, 2, 3]
    assert subscription.cursor == 3


async def test_one_of_deltas_leaves_a_base_behind(subscription):
    subscription.delta = True
    view_page(subscription, publications("ab"))
    assert subscription.has_base
    assert subscription.topic.views.deltas.last is None  # there is more of the topic than that
    view_page(subscription, [Publication(20, 2, b"1", 0)])

    assert subscription.topic.views.deltas.last.offset == 20
