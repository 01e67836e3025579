"""The chat fits every window, from a phone to a desktop, and everybody can use it."""

from __future__ import annotations

import pytest
from browser.conftest import DESKTOP, PHONE, names


def test_a_draft_survives_that_the_window_becomes_narrow(open_window, chat):
    """Without a conversation in the address, a narrow window shows the list."""
    window = open_window(chat, name=next(names))
    window.wait_open("Lobby")
    text = window.page.get_by_label("Message", exact=True)
    text.fill("half a sen")
    window.page.set_viewport_size(PHONE)
    window.open("Kitchen")
    window.expect(text).to_have_value("")
    window.page.set_viewport_size(DESKTOP)
    window.open("Lobby")

    window.expect(text).to_have_value("half a sen")


def test_it_fits_every_window(open_window, chat):
    window = open_window(chat, name="W" * 24)
    window.open("Kitchen")
    window.say("one-word-" * 60)
    window.expect(window.page.locator(".bubble").last).to_be_in_viewport()
    for width in (1280, 768, 390, 320):
        window.page.set_viewport_size({"width": width, "height": 700})
        window.expect(window.page.get_by_role("button", name="Send")).to_be_in_viewport(ratio=1)
        assert window.width <= width
    window.page.get_by_role("link", name="Back").click()
    window.expect(window.page.get_by_role("navigation")).to_be_in_viewport()
    assert window.width <= 320


def test_on_a_phone_the_composer_stays_above_the_keyboard(open_window, chat):
    """A keyboard makes the window lower (`interactive-widget=resizes-content`)."""
    window = open_window(chat, name=next(names), viewport=PHONE)
    window.open("Kitchen")
    window.page.set_viewport_size({"width": 390, "height": 450})

    window.expect(window.page.get_by_label("Message", exact=True)).to_be_in_viewport(ratio=1)


def test_on_a_phone_an_open_conversation_says_that_the_connection_is_lost(open_window, chat):
    window = open_window(chat, name=next(names), viewport=PHONE)
    window.open("Kitchen")
    conversation = window.page.get_by_role("region", name="Kitchen")
    window.expect(conversation.get_by_text("Here: you")).to_be_visible()
    window.page.context.set_offline(True)
    window.expect(conversation.get_by_text("Connecting…")).to_be_visible()
    window.page.context.set_offline(False)

    window.expect(conversation.get_by_text("Here: you")).to_be_visible()


def test_on_a_phone_back_leads_to_the_list(open_window, chat):
    window = open_window(chat, name=next(names), viewport=PHONE)
    window.open("Kitchen")
    window.expect(window.page.get_by_role("navigation")).to_be_hidden()
    window.page.get_by_role("link", name="Back").click()

    window.expect(window.page.get_by_role("navigation")).to_be_visible()
    window.expect(window.page.get_by_role("log")).to_be_hidden()
    window.expect(window.entry("Kitchen")).to_be_focused()


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_it_can_be_used_by_everybody(open_window, chat, axe, viewport):
    """Contrast, names, roles: whatever axe looks at."""
    window = open_window(chat, viewport=viewport)
    found = []

    def look():
        for scheme in ("light", "dark"):
            window.page.emulate_media(color_scheme=scheme)
            found.append(axe.run(window.page))

    look()
    window.log_in(next(names))
    look()
    window.open("Kitchen")
    window.say("hello")
    window.page.route("**/api/send", lambda route: route.abort())
    window.say("and again")
    window.expect(window.page.get_by_text("Waiting to be sent")).to_be_visible()
    look()

    assert [results.generate_report() for results in found if results.violations_count] == []
