"""The pictures of the chat in the docs: `PICTURES=docs/images nox -s browser -- -k pictures` takes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from browser.chat_process import ChatProcess
from browser.chat_window import ChatWindow
from docs.markdown import ROOT

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "color_scheme": "dark"}
LARGEST = 150_000
"""Bytes: the repository carries each of them for ever."""


@pytest.fixture
def windows(browser, playwright, tmp_path):
    """Give the windows of three people in a chat of their own."""
    chat = ChatProcess(tmp_path)
    contexts = []
    try:
        chat.wait_ready()
        contexts += [browser.new_context(**options) for options in (DESKTOP, DESKTOP, PHONE)]
        yield [ChatWindow(context.new_page(), playwright.expect, chat.url) for context in contexts]
    finally:
        for context in contexts:
            context.close()
        chat.close()


def test_the_pictures(windows, tmp_path):
    ada, bob, grace = windows
    for window, name in ((ada, "Ada Lovelace"), (bob, "Bob"), (grace, "Grace Hopper")):
        window.log_in(name)
    said = []

    def talk(window, text):
        window.say(text)
        said.append(text)
        ada.wait_said(*said)

    talk(ada, "Morning! Is anybody bringing lunch?")
    talk(bob, "I can: there is a new place round the corner.")
    talk(bob, "Soup, or rice?")
    talk(ada, "Rice, please. And thank you!")
    grace.wait_unread("Lobby", 4)
    folder = Path(os.environ.get("PICTURES", tmp_path))
    grace.page.screenshot(path=folder / "chat-phone-list.png")
    grace.open("Lobby")
    talk(grace, "Rice for me as well, if it is not too late.\nI am in a tunnel, so this may take a moment.")
    bob.open("Ada Lovelace")
    bob.say("The rice is here")
    ada.wait_unread("Bob", 1)
    bob.open("Lobby")
    ada.wait_here("Ada Lovelace", "Bob", "Grace Hopper")
    talk(bob, "On my way, table by the window.")
    grace.wait_said(*said)
    grace.page.screenshot(path=folder / "chat-phone.png")
    ada.page.screenshot(path=folder / "chat-desktop.png")

    sizes = {path.name: path.stat().st_size for path in folder.glob("chat-*.png")}
    assert set(sizes) == {"chat-desktop.png", "chat-phone-list.png", "chat-phone.png"}
    assert {name: size for name, size in sizes.items() if size >= LARGEST} == {}


def test_those_in_the_docs_are_these():
    images = {path.name for path in (ROOT / "docs/images").glob("*.png")}

    assert images == {"chat-desktop.png", "chat-phone-list.png", "chat-phone.png"}
