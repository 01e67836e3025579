"""Behind a network that lets no WebSocket through, the chat is the same: the SDK takes a stream of the gateway, and `/emulation`."""

from __future__ import annotations

import pytest
from browser.conftest import BLOCKED, names

UNDEFINED = "WebSocket = undefined"
"""What the docs have somebody paste into the console."""

NO_STREAMS = "ReadableStream = undefined"
"""A browser that reads no answer before it is complete."""

BEHIND = {"http_stream": BLOCKED, "sse": f"{UNDEFINED}; {NO_STREAMS}"}
"""What a page finds there, by the transport that is left."""


@pytest.fixture(params=BEHIND)
def transport(request) -> str:
    return request.param


@pytest.fixture
def two(open_window, chat, transport):
    """Give the windows of two people, the first of whom can have no WebSocket, and their names."""
    ann, ben = next(names), next(names)
    windows = [open_window(chat, name=name, script=script) for name, script in ((ann, BEHIND[transport]), (ben, ""))]
    for window, other in zip(windows, (ben, ann), strict=True):
        window.open(other)
    return (*windows, ann, ben)


def test_two_talk_one_of_whom_has_no_websocket(chat, two, transport):
    """From the gateway's own addresses alone, and with no complaint of the page's policy."""
    ann, ben, ann_name, ben_name = two
    for window in (ann, ben):
        window.wait_here(ann_name, ben_name)
    ann.say("from behind it")
    ben.wait_said("from behind it")
    ben.say("to behind it")

    for window in (ann, ben):
        window.wait_said("from behind it", "to behind it")
    gateway = f"http://127.0.0.1:{chat.gateway_port}"
    asked = {address.partition("?")[0] for address in ann.addresses if address.startswith(gateway)}
    assert asked == {f"{gateway}/connection/{transport}", f"{gateway}/emulation"}
    assert [address for address in ann.addresses if not address.startswith((chat.url, gateway, "data:"))] == []
    assert ann.errors == ben.errors == []


def test_what_was_missed_is_there_and_unread_without_a_websocket(two):
    ann, ben, _ann_name, ben_name = two
    ann.open("Help")
    ben.say("one")
    ann.wait_unread(ben_name, 1)
    ann.wait_title("(1) Chat")
    ann.page.context.set_offline(True)
    ann.wait_state("Connecting…")
    ben.say("two")
    ben.wait_said("one", "two")
    ann.page.context.set_offline(False)
    ann.wait_unread(ben_name, 2)
    ann.open(ben_name)

    ann.wait_said("one", "two")
    ann.wait_title("Chat")
    ann.reload()
    ann.wait_said("one", "two")
    ann.wait_unread(ben_name, 0)
