"""Pages of an application's own web server: one with the JavaScript SDK, one with a bare WebSocket, one with a bare EventSource.

All come back after a crash.
"""

from __future__ import annotations

from functools import partial
from urllib.parse import urlencode

import pytest
import trio
from browser.conftest import started
from browser.site import serving
from programs import lacking
from sdk.driving import JAVASCRIPT
from sdk.nodes import Node, new_channel, new_user, token

BUNDLE = JAVASCRIPT / "node_modules/centrifuge/dist/centrifuge.js"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Give the origin of the application's web server, which serves the pages and the SDK."""
    if not BUNDLE.exists():
        lacking("the SDK for JavaScript is not installed: `nox -s browser` does it")
    with serving(tmp_path_factory.mktemp("site"), BUNDLE) as origin:
        yield origin


@pytest.fixture(scope="module")
def node(browser, site, tmp_path_factory):
    yield from started(Node(tmp_path_factory.mktemp("node"), "--allowed-origin", site, "--appendfsync", "always"))


@pytest.fixture
def open_page(browser, site, node, playwright):
    """Give what opens a page for a user, and waits until it is connected."""
    contexts = []

    def open_page(name: str, user: str, **query: str):
        contexts.append(browser.new_context())
        page = contexts[-1].new_page()
        http = f"http://127.0.0.1:{node.port}"
        urls = {"websocket": f"ws://127.0.0.1:{node.port}/ws", "events": f"{http}/sse", "sdk": node.sdk_url}
        url = f"{http}/connection/websocket" if "transport" in query else urls[name]
        page.goto(f"{site}/{name}.html?{urlencode({'url': url, 'token': token(user), **query})}")
        playwright.expect(page.locator("output")).to_have_text("connected")
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def shows(playwright):
    """Give what waits until a page shows these items, and no others."""
    return lambda page, *items: playwright.expect(page.locator("li")).to_have_text(items)


def publish(node, channel, data):
    trio.run(node.publish, channel, data)


def test_the_sdk_receives_and_publishes(open_page, node, shows):
    channel = new_channel()
    pages = [open_page("sdk", new_user(), channel=channel) for _ in range(2)]
    publish(node, channel, "from a back end")
    shows(pages[0], "from a back end")
    pages[0].evaluate("subscription.publish('from a page')")

    for page in pages:
        shows(page, "from a back end", "from a page")


def test_a_bare_websocket_sends_to_another_and_to_one_with_the_sdk(open_page, shows):
    alice, bob, carol = new_user(), new_user(), new_user()
    sender = open_page("websocket", alice)
    bare, sdk = open_page("websocket", bob), open_page("sdk", carol, channel=new_channel())
    for to in (bob, carol):
        sender.evaluate("([to, data]) => send(to, data)", [to, f"hi {to}"])

    shows(bare, f"hi {bob}")
    shows(sdk, f"hi {carol}")


def test_both_come_back_after_the_gateway_was_killed_and_have_everything_once(open_page, node, shows, playwright):
    user, channel = new_user(), new_channel()
    sdk, bare = open_page("sdk", user, channel=channel), open_page("websocket", user)
    publish(node, f"#{user}", "before")
    for page in (sdk, bare):
        shows(page, "before")
    node.kill()
    for page in (sdk, bare):
        playwright.expect(page.locator("output")).to_have_text("connecting")
    trio.run(node.start)
    publish(node, f"#{user}", "after")

    for page in (sdk, bare):
        shows(page, "before", "after")


@pytest.mark.parametrize("transport", ["http_stream", "sse"])
def test_the_sdk_reaches_the_gateway_of_another_origin_by_streams(open_page, node, shows, transport):
    channel = new_channel()
    pages = [open_page("sdk", new_user(), channel=channel, transport=transport) for _ in range(2)]
    publish(node, channel, "from a back end")
    shows(pages[0], "from a back end")
    pages[0].evaluate("subscription.publish('from a page')")

    for page in pages:
        shows(page, "from a back end", "from a page")


def test_an_event_source_comes_back_and_resumes_with_no_code_at_all(open_page, node, shows, playwright):
    user = new_user()
    page = open_page("events", user)
    publish(node, f"#{user}", "before")
    shows(page, "before")
    node.kill()
    playwright.expect(page.locator("output")).to_have_text("connecting")
    trio.run(node.start)
    publish(node, f"#{user}", "after")

    shows(page, "before", "after")
    playwright.expect(page.locator("output")).to_have_text("connected")


def test_an_event_source_that_is_not_let_in_gives_up(browser, node, site, playwright):
    page = browser.new_context().new_page()
    page.goto(f"{site}/events.html?{urlencode({'url': f'http://127.0.0.1:{node.port}/sse', 'token': 'x'})}")

    playwright.expect(page.locator("output")).to_have_text("closed")
    page.context.close()


CHROMIUMS_PAUSE = 3000
"""Milliseconds after which an EventSource comes back that was told nothing else."""


def test_an_event_source_that_is_disconnected_for_good_stays_away(open_page, node, playwright):
    user = new_user()
    page = open_page("events", user)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    trio.run(partial(node.api, "disconnect", user=user))
    playwright.expect(page.locator("output")).to_have_text("connecting")
    page.wait_for_timeout(2 * CHROMIUMS_PAUSE)

    assert asked == []


def test_a_page_acknowledges_and_sends_by_requests(open_page, node, shows):
    user, other = new_user(), new_user()
    page, listener = open_page("events", user), open_page("events", other)
    publish(node, f"#{user}", "hi")
    shows(page, "hi")
    post = """([path, body]) => fetch(`${new URL(path, asked.url)}?device=tab&token=${asked.token}`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body ?? { position: last }),
    }).then(({ status }) => status)"""

    assert page.evaluate(post, ["/ack", None]) == 204
    assert page.evaluate(post, ["/send", {"to": other, "data": "by request", "id": "m1"}]) == 200
    shows(listener, "by request")


def test_a_page_from_elsewhere_is_not_let_in(browser, node, site):
    page = browser.new_context().new_page()
    page.goto(f"{site.replace('127.0.0.1', 'localhost')}/websocket.html?url=ws://127.0.0.1:{node.port}/ws&token=x")
    refused = page.evaluate(
        "url => new Promise(done => { const tried = new WebSocket(url); tried.onclose = ({ code }) => done(code); })",
        node.sdk_url,
    )
    page.context.close()

    assert refused == 1006
