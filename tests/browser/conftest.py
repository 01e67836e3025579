"""A real browser, headless, in front of a real gateway; both are shared, so each test takes a user of its own."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable

import pytest
import trio
from browser.tab import Tab
from e2e.gateway_process import GatewayProcess
from programs import find_program

INSTALL = "`nox -s browser` installs it"
PATIENCE = 30_000
"""Milliseconds for what takes two seconds at most."""

numbers = itertools.count(100)


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
