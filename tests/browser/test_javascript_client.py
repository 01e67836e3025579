"""Our JavaScript client in a page of an application: the gateway dies, the network goes, the page sleeps, and nothing is missing."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from urllib.parse import urlencode

import pytest
import trio
from browser.conftest import BLOCKED, started
from browser.site import CONNECT, SESSION, serving
from e2e.gateway_process import until
from sdk.nodes import Node, new_user, token

from trio_gateway import public

CLIENT = Path(public.__file__).with_name("client.js")

COUNT_ATTEMPTS = """
window.attempts = 0;
for (const name of ["WebSocket", "fetch"]) {
  const connect = window[name];
  window[name] = function (...given) {
    window.attempts += 1;
    return new.target ? new connect(...given) : connect(...given);
  };
}
"""

HOLD_FETCHES = """
const { fetch } = window;
const released = new Promise((release) => Object.assign(window, { release }));
window.fetch = async (...given) => {
  window.holds = true;
  await released;
  return fetch(...given);
};
window.holds = false;
"""
"""A page's WebSocket fails while the gateway is away, and what it asks next reaches one that is back."""

SOON = "Math.random = () => 0.01"
"""A page does not wait for the 20 seconds that a long outage may make it wait."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Give the origin of the application's web server, which serves the page and the client."""
    with serving(tmp_path_factory.mktemp("site"), CLIENT) as origin:
        yield origin


@pytest.fixture(scope="module")
def node(browser, site, tmp_path_factory):
    options = ("--allowed-origin", site, "--appendfsync", "always", "--ping-seconds", "4", "--pong-seconds", "3")
    yield from started(Node(tmp_path_factory.mktemp("node"), *options))


@pytest.fixture
def window(browser):
    """Give a window, whose pages share what a browser keeps, and whose network can be cut."""
    context = browser.new_context()
    context.add_init_script(SOON)
    yield context
    context.close()


@pytest.fixture
def errors():
    """Give what the pages' consoles complain of."""
    return []


@pytest.fixture
def open_page(window, site, node, shows_state, errors):
    """Give what opens a page for a user, and waits until it is online."""

    def open_page(user: str, **query: str):
        page = window.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        url = f"ws://127.0.0.1:{node.port}/ws"
        page.goto(f"{site}/client.html?{urlencode({'url': url, 'token': token(user), **query})}")
        shows_state(page, "online")
        return page

    return open_page


@pytest.fixture
def shows_state(playwright):
    """Give what waits until a page shows that it is in a state."""
    return lambda page, state: playwright.expect(page.locator("output")).to_have_text(state)


@pytest.fixture
def shows(playwright):
    """Give what waits until a page shows these items, and no others."""
    return lambda page, *items: playwright.expect(page.locator("li")).to_have_text(items)


@pytest.fixture
def user():
    return new_user()


@pytest.fixture
def publish(node, user):
    """Give what publishes in the user's inbox."""
    return lambda *data: trio.run(node.publish, f"#{user}", *data)


def stop_renderers(browser, number: int) -> None:
    """Stop all that runs in pages, as a machine that sleeps does, or let it go on."""
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    for process in processes:
        if process["type"] == "renderer":
            os.kill(process["id"], number)


async def connections_fall_to(node: Node, count: int) -> None:
    await until(lambda: has_connections(node, count))


async def has_connections(node: Node, count: int) -> bool:
    return (await node.health())["connections"] == count


def test_a_page_receives_and_sends(open_page, publish, shows, user, errors):
    page = open_page(user)
    publish("from a back end")
    shows(page, "from a back end")
    offset = page.evaluate(f"gateway.send('{user}', 'from a page')")

    shows(page, "from a back end", "from a page")
    assert offset == page.evaluate("Number(gateway.position.split(':')[1])")
    assert errors == []


def test_it_comes_back_after_the_gateway_was_killed_and_has_everything_once(
    open_page, node, publish, shows, shows_state, user
):
    page = open_page(user, device="browser")
    publish("before")
    shows(page, "before")
    node.kill()
    shows_state(page, "connecting")
    page.evaluate(f"void (window.sent = gateway.send('{user}', 'meanwhile'))")
    trio.run(node.start)
    assert page.evaluate("sent") > 1
    publish("after")

    shows(page, "before", "meanwhile", "after")


def test_without_a_network_it_is_offline_and_with_one_it_is_online_at_once(
    open_page, window, publish, shows, shows_state, user
):
    page = open_page(user)
    publish("before")
    shows(page, "before")
    window.set_offline(True)
    shows_state(page, "offline")
    publish("meanwhile")
    window.set_offline(False)

    shows_state(page, "online")
    shows(page, "before", "meanwhile")


def test_a_page_that_slept_until_the_gateway_gave_it_up_goes_on_where_it_was(
    open_page, browser, node, publish, shows, shows_state, user
):
    page = open_page(user)
    publish("before")
    shows(page, "before")
    stop_renderers(browser, signal.SIGSTOP)
    try:
        trio.run(connections_fall_to, node, 0)
        publish("meanwhile")
    finally:
        stop_renderers(browser, signal.SIGCONT)

    shows(page, "before", "meanwhile")
    shows_state(page, "online")


def test_a_page_that_freezes_holds_no_connection_and_goes_on_where_it_was(open_page, node, publish, shows, user):
    """The browser's own freezing needs a page that is hidden, which none is without a screen: its events are made here."""
    page = open_page(user)
    publish("before")
    shows(page, "before")
    page.evaluate("document.dispatchEvent(new Event('freeze'))")
    trio.run(connections_fall_to, node, 0)
    publish("meanwhile")
    page.evaluate("document.dispatchEvent(new Event('resume'))")

    shows(page, "before", "meanwhile")


def test_who_goes_from_field_to_field_does_not_hurry_the_next_attempt(open_page, node, shows_state, user):
    """The events of a field come by the window as well, where those of the page are heard."""
    page = open_page(user)
    page.evaluate("document.body.append(document.createElement('input'), document.createElement('input'))")
    page.evaluate("Math.random = () => 1")
    node.kill()
    shows_state(page, "connecting")
    page.evaluate(COUNT_ATTEMPTS)
    for field in range(10):
        page.locator("input").nth(field % 2).focus()
    attempts = page.evaluate("attempts")
    trio.run(node.start)
    shows_state(page, "online")

    assert attempts <= 6  # so many in 30 s, where each waits twice as long as the last; with each focus it would be 10


def test_two_tabs_of_one_device_both_receive(open_page, publish, shows, user):
    pages = [open_page(user, device="browser") for _ in range(2)]
    publish("to both")
    for page in pages:
        shows(page, "to both")
    pages[0].close()
    publish("to one")

    shows(pages[1], "to both", "to one")


def test_what_a_page_got_does_not_come_again_after_a_reload(open_page, publish, shows, shows_state, user):
    """It is acknowledged at the last moment, though acknowledgements wait for each other."""
    page = open_page(user, device="browser")
    publish(1)
    shows(page, "1")
    page.reload()
    shows_state(page, "online")
    publish(2)

    shows(page, "2")


def test_what_was_published_between_two_visits_comes_at_the_next_one(open_page, publish, shows, user):
    open_page(user, device="browser").close()
    publish("meanwhile")

    shows(open_page(user, device="browser"), "meanwhile")


def test_a_page_that_has_no_device_may_keep_its_position_itself(open_page, publish, shows, user, site):
    page = open_page(user)
    publish("before")
    shows(page, "before")
    position = page.evaluate("gateway.position")
    page.close()
    publish("meanwhile")

    shows(open_page(user, since=position), "meanwhile")


def test_a_listener_that_throws_is_the_pages_own_fault(open_page, publish, shows, user, errors):
    page = open_page(user)
    page.evaluate("gateway.addEventListener('message', () => { throw new Error('my fault') }, { once: true })")
    publish(1, 2)

    shows(page, "1", "2")
    assert errors == ["my fault"]


def test_a_closed_client_leaves_nothing(open_page, node, user, shows_state):
    page = open_page(user)
    page.evaluate("gateway.close()")
    shows_state(page, "closed")

    trio.run(connections_fall_to, node, 0)


def test_a_token_that_is_refused_is_found_out(window, node, site, shows_state):
    page = window.new_page()
    page.goto(f"{site}/client.html?{urlencode({'url': f'ws://127.0.0.1:{node.port}/ws', 'token': 'a.b.c'})}")

    shows_state(page, "closed")


def test_where_no_websocket_gets_through_it_does_without(
    open_page, window, node, publish, shows, shows_state, user, errors
):
    """From another origin, with requests of its own, and over the end of the gateway."""
    window.add_init_script(BLOCKED)
    page = open_page(user, device="browser")
    publish("from a back end")
    page.evaluate(f"gateway.send('{user}', 'from a page')")
    shows(page, "from a back end", "from a page")
    node.kill()
    shows_state(page, "connecting")
    trio.run(node.start)
    publish("after")
    shows(page, "from a back end", "from a page", "after")
    page.reload()
    shows_state(page, "online")
    publish("acknowledged")

    shows(page, "acknowledged")
    assert errors == []


def test_a_page_says_why_there_are_no_channels_then(open_page, window, user):
    window.add_init_script(BLOCKED)
    page = open_page(user)
    code = page.evaluate(
        "new Promise((told) => gateway.subscribe('chat:1').addEventListener('error', (e) => told(e.detail.code)))"
    )

    assert code == 108


@pytest.fixture(params=[(), ("--allowed-origin", "*")], ids=["own host", "any origin"])
def asking_node(browser, site, tmp_path, request):
    """Give a gateway that asks the application who a page's user is, by its cookies."""
    node = Node(tmp_path, "--appendfsync", "always", *request.param)
    with (tmp_path / "gateway.toml").open("a") as config:
        config.write(f'\n[hooks.connect]\nurl = "{site}{CONNECT}"\ntimeout = "5s"\nhttp_headers = ["Cookie"]\n')
    yield from started(node)


@pytest.fixture
def come(window, site, asking_node):
    """Give what opens a page, which has nothing but its cookies to say whose it is."""

    def come(**query: str):
        page = window.new_page()
        page.goto(f"{site}/client.html?{urlencode({'url': f'ws://127.0.0.1:{asking_node.port}/ws', **query})}")
        return page

    return come


@pytest.fixture
def log_in(window, site, user):
    """Give what has the window's pages be the user's."""
    cookie = {"name": SESSION, "value": user, "url": site, "httpOnly": True, "sameSite": "Strict"}
    return lambda: window.add_cookies([cookie])


def test_a_page_that_has_only_a_cookie_is_online_again_after_a_restart(
    come, log_in, asking_node, shows, shows_state, user
):
    """Its origin is another port's, which is as foreign to a browser as any; the first to find the gateway is a fetch."""
    log_in()
    page = come()
    shows_state(page, "online")
    page.evaluate(HOLD_FETCHES)
    asking_node.kill()
    page.wait_for_function("window.holds")
    trio.run(asking_node.start)
    page.evaluate("release()")
    shows_state(page, "online")
    trio.run(asking_node.publish, f"#{user}", "after")

    shows(page, "after")


def test_a_page_that_has_only_a_cookie_does_without_a_websocket(
    come, log_in, window, asking_node, shows, shows_state, user
):
    """The stream, what it sends and what it acknowledges: all of them say by the cookie whose they are."""
    window.add_init_script(BLOCKED)
    log_in()
    page = come(device="browser")
    shows_state(page, "online")
    assert page.evaluate(f"gateway.send('{user}', 'from a page')") == 1
    shows(page, "from a page")
    asking_node.kill()
    shows_state(page, "connecting")
    trio.run(asking_node.start)
    shows_state(page, "online")
    page.reload()
    shows_state(page, "online")
    trio.run(asking_node.publish, f"#{user}", "acknowledged")

    shows(page, "acknowledged")


def test_a_page_whose_user_has_no_session_learns_it(come, shows_state):
    shows_state(come(), "closed")
