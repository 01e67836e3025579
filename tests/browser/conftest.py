"""A real browser, headless, in front of a real gateway or chat; all are shared, so each test takes users of its own."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable

import pytest
import trio
from browser.chat_process import ChatProcess
from browser.chat_window import ChatWindow
from browser.tab import Tab
from e2e.gateway_process import GatewayProcess
from programs import find_program

INSTALL = "`nox -s browser` installs it"
PATIENCE = 30_000
"""Milliseconds for what takes two seconds at most."""

BLOCKED = """
window.WebSocket = class {
  constructor() { setTimeout(() => this.onclose({ code: 1006, reason: "" })); }
  close() {}
};
"""
"""A network that lets no WebSocket through."""

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}

numbers = itertools.count(100)

names = (
    f"{first} {last}"
    for last in "ABCDEFGHIJKL"
    for first in ("Ann", "Ben", "Cleo", "Dora", "Emil", "Fay", "Gus", "Ida")
)


@pytest.fixture(scope="session")
def playwright():
    playwright = pytest.importorskip("playwright.sync_api", reason=INSTALL)
    playwright.expect.set_options(timeout=PATIENCE)
    return playwright


@pytest.fixture(scope="session")
def axe():
    return pytest.importorskip("axe_playwright_python.sync_playwright", reason=INSTALL).Axe()


@pytest.fixture(scope="session")
def browser(playwright):
    path = find_program("chromium", os.environ.get("CHROMIUM"))
    with playwright.sync_playwright() as driver, driver.chromium.launch(executable_path=path) as browser:
        yield browser


@pytest.fixture(scope="session")
def gateway(browser, tmp_path_factory):
    yield from started(GatewayProcess(tmp_path_factory.mktemp("gateway")))


@pytest.fixture
def own_gateway(browser, tmp_path):
    """Give a gateway that a test may end."""
    yield from started(GatewayProcess(tmp_path))


@pytest.fixture
def guarded_gateway(browser, tmp_path):
    """Give a gateway whose secret is its operator's, so that the page has no token to hand out."""
    yield from started(GatewayProcess(tmp_path, "--token-secret", "a secret of 32 bytes or more, as it must be"))


def started(gateway: GatewayProcess):
    try:
        trio.run(gateway.start)
        yield gateway
    finally:
        gateway.close()


@pytest.fixture
def open_tab(browser, playwright) -> Callable[..., Tab]:
    """Give what opens a tab in a window of its own, which shares nothing with others."""
    contexts = []

    def open_tab(gateway: GatewayProcess, user: str = "", **window: object) -> Tab:
        context = browser.new_context(**window)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        return Tab(context.new_page(), playwright.expect, gateway, user or f"{next(numbers)}")

    yield open_tab
    for context in contexts:
        context.close()


@pytest.fixture
def tab(open_tab, gateway) -> Tab:
    """Give a tab that is connected."""
    tab = open_tab(gateway)
    tab.wait_connected()
    return tab


@pytest.fixture(scope="module")
def chat(browser, tmp_path_factory):
    """Give a chat that all tests share, so each takes people of its own."""
    yield from running_chat(tmp_path_factory.mktemp("chat"))


def running_chat(directory):
    chat = ChatProcess(directory)
    try:
        chat.wait_ready()
        yield chat
    finally:
        chat.close()


@pytest.fixture
def open_window(browser, playwright):
    """Give what opens a window of its own, which shares nothing with others: another browser, another device."""
    contexts = []

    def open_window(chat: ChatProcess, *, name: str = "", script: str = "", **window: object) -> ChatWindow:
        context = browser.new_context(**{"viewport": DESKTOP, **window})
        context.add_init_script(script)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        if name:  # it logs in without a page, which is faster
            context.request.post(f"{chat.url}api/login", data={"name": name})
        opened = ChatWindow(context.new_page(), playwright.expect, chat.url)
        if name:
            opened.wait_state("Online")
        return opened

    yield open_window
    for context in contexts:
        context.close()


@pytest.fixture
def two(open_window, chat):
    """Give the windows of two people, each of whom has the other's conversation open, and their names."""
    ann, ben = next(names), next(names)
    windows = [open_window(chat, name=name) for name in (ann, ben)]
    for window, other in zip(windows, (ben, ann), strict=True):
        window.open(other)
    return (*windows, ann, ben)
