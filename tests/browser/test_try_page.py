"""The page at the admin port, in a browser: it connects, shows what comes, sends, and comes back."""

from __future__ import annotations

import pytest
import trio

PHONE = {"width": 375, "height": 812}
DESKTOP = {"width": 1280, "height": 860}


def publish(tab, data):
    with tab.gateway.publisher() as publisher:
        publisher.send_to_user(tab.user, data)


def test_it_works_without_a_complaint_and_asks_this_gateway_alone(tab):
    publish(tab, {"text": "hi"})
    tab.wait_entry("hi", "acknowledged")
    tab.send("hello", to=tab.user)
    tab.wait_entry("hello", "acknowledged")

    ours = (f"http://127.0.0.1:{tab.gateway.admin_port}/", f"ws://127.0.0.1:{tab.gateway.port}/ws?")
    assert tab.errors == []
    assert [address for address in tab.addresses if not address.startswith(ours)] == []


def test_what_a_back_end_publishes_appears_with_its_offset(tab):
    publish(tab, {"text": "first"})
    publish(tab, {"order": 15})

    tab.wait_entry("first", "from a back end")
    tab.wait_entry('{"order":15}', "acknowledged")
    tab.wait_offsets("2", "1")


def test_what_one_user_sends_appears_to_another(open_tab, gateway, tab):
    other = open_tab(gateway)
    other.wait_connected()
    tab.send("good morning", to=other.user)

    other.wait_entry("good morning", f"from user {tab.user}")
    tab.wait_entry("good morning", "stored at 1", kind="sent")


def test_what_others_write_is_shown_as_text(tab):
    text = "<img src=x onerror=alert(1)><b>bold</b>"
    publish(tab, {"text": text})

    tab.wait_entry(text, "acknowledged")
    assert tab.page.locator("li img, li b").count() == 0


def test_what_was_not_acknowledged_comes_again_after_a_reload(tab):
    tab.page.get_by_label("Acknowledge what arrives").uncheck()
    publish(tab, {"text": "once more"})
    tab.page.get_by_role("button", name="Acknowledge").wait_for()
    tab.page.reload()

    tab.wait_entry("once more", "acknowledged")


def test_it_comes_back_by_itself_after_the_gateway_was_killed(open_tab, own_gateway):
    tab = open_tab(own_gateway)
    tab.wait_connected()
    publish(tab, {"text": "before"})
    tab.wait_entry("before", "acknowledged")
    own_gateway.kill()
    tab.wait_status("reconnecting")
    trio.run(own_gateway.start)
    publish(tab, {"text": "after"})

    tab.wait_entry("after", "acknowledged")
    tab.wait_entry("before", "acknowledged")


def test_it_can_be_disconnected_and_connected_again(tab):
    tab.click("Disconnect")
    tab.wait_status("disconnected")
    publish(tab, {"text": "meanwhile"})
    tab.click("Connect")

    tab.wait_entry("meanwhile", "acknowledged")


def test_with_a_secret_of_the_operator_it_asks_for_a_token(open_tab, guarded_gateway):
    tab = open_tab(guarded_gateway)
    made = trio.run(guarded_gateway.run, "token", "--user", tab.user, *guarded_gateway.options)
    tab.page.get_by_label("Token").fill(made.stdout.decode().strip())
    tab.page.keyboard.press("Enter")

    tab.wait_connected()


@pytest.mark.parametrize("width", [320, 375, 768, 1280])
def test_it_fits_the_window(open_tab, gateway, width):
    tab = open_tab(gateway, viewport={"width": width, "height": 800})
    tab.wait_connected()
    publish(tab, {"text": "one-word-" * 60})
    tab.wait_entry("one-word", "acknowledged")

    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_it_can_be_used_by_everybody(open_tab, gateway, axe, viewport, scheme):
    """Contrast, names, roles: whatever axe looks at."""
    tab = open_tab(gateway, viewport=viewport, color_scheme=scheme)
    tab.wait_connected()
    tab.send("hello", to=tab.user)
    tab.wait_entry("hello", "acknowledged")
    connected = axe.run(tab.page)
    tab.click("Disconnect")
    tab.wait_status("disconnected")
    disconnected = axe.run(tab.page)

    assert connected.violations_count == 0, connected.generate_report()
    assert disconnected.violations_count == 0, disconnected.generate_report()
