"""What somebody writes in the chat is kept until the conversation has it, is sent once and shown once, whatever breaks."""

from __future__ import annotations

import httpx
import pytest
from browser.chat_window import ChatWindow
from browser.conftest import PATIENCE, names

from examples.chat.keys import load_keys

KEPT = """async ([wanted, patience]) => {
    const end = performance.now() + patience;
    for (;;) {
        const keys = Object.keys(localStorage).filter((key) => key.startsWith("chat:outbox:"));
        if (wanted === "nothing" ? !keys.length : keys.every((key) => JSON.parse(localStorage[key]).stored)) return;
        if (performance.now() > end) throw new Error(`${wanted} was to be kept, and not ${JSON.stringify(localStorage)}`);
        await new Promise(requestAnimationFrame);
    }
}"""
"""What a browser keeps of what was written in it; the page's policy forbids Playwright's own way to wait."""


def wait_kept(window, wanted):
    """Wait until the browser keeps "nothing", or only what is "stored"."""
    window.page.evaluate(KEPT, [wanted, PATIENCE])


class Link:
    """Stand between a page and the gateway: it can be cut while the back end answers."""

    def __init__(self, window: ChatWindow) -> None:
        self._window = window
        self._sockets = []
        self._is_cut = False
        context = window.page.context
        context.route_web_socket("**/connection/websocket", self._open)
        context.route("**/connection/*", lambda route: route.abort() if self._is_cut else route.continue_())
        window.reload()

    def _open(self, socket) -> None:
        if self._is_cut:
            socket.close()
        else:
            socket.connect_to_server()
            self._sockets.append(socket)

    def cut(self) -> None:
        """Close what is open, and let nothing through."""
        self._is_cut = True
        while self._sockets:
            self._sockets.pop().close()
        self._window.wait_state("Connecting…")

    def mend(self) -> None:
        """Let everything through again."""
        self._is_cut = False


@pytest.fixture
def link(two) -> Link:
    """Give the link of the first window."""
    return Link(two[0])


def test_what_is_written_offline_is_kept_and_sent_once(two):
    ann, ben, *_names = two
    ann.say("before")
    ben.wait_said("before")
    ann.page.context.set_offline(True)
    ann.wait_state("Connecting…")
    for text in ("in the tunnel", "still in it"):
        ann.say(text)
    ann.expect(ann.page.get_by_text("Waiting to be sent")).to_have_count(2)
    ben.say("hello?")
    ben.wait_said("before", "hello?")
    ann.page.context.set_offline(False)

    for window in (ann, ben):
        window.wait_said("before", "hello?", "in the tunnel", "still in it")


def test_what_waits_to_be_sent_survives_a_reload(two):
    ann, ben, *_names = two
    ann.page.route("**/api/send", lambda route: route.abort())
    ann.say("not lost")
    ann.expect(ann.page.get_by_text("Waiting to be sent")).to_be_visible()
    ann.reload()
    ann.expect(ann.page.get_by_text("Waiting to be sent")).to_be_visible()
    ann.page.unroute("**/api/send")

    for window in (ann, ben):
        window.wait_said("not lost")


def test_an_answer_that_is_lost_makes_no_second_message(two):
    ann, ben, *_names = two

    def lose_the_answer(route):
        route.fetch()
        route.abort()

    ann.page.route("**/api/send", lose_the_answer, times=1)
    ann.say("once")
    ben.wait_said("once")
    ann.say("after it")

    for window in (ann, ben):
        window.wait_said("once", "after it")


def test_what_is_refused_says_why_and_can_be_discarded(two):
    ann, *_others = two
    refusal = {"status": 404, "json": {"error": "there is no such conversation"}}
    ann.page.route("**/api/send", lambda route: route.fulfill(**refusal))
    ann.say("to nobody")
    ann.expect(ann.page.get_by_text("Not sent: there is no such conversation")).to_be_visible()
    ann.page.get_by_role("button", name="Discard").click()

    ann.wait_said()


def test_what_somebody_wrote_is_not_sent_by_the_next_one_in_the_same_window(two):
    """The first of it is on its way when they log out; the second waits for its author."""
    window, ben, ann_name, _ = two
    held = []

    def hold(route):
        held.append(route)

    window.open("Kitchen")
    ben.open("Kitchen")
    window.page.route("**/api/send", hold, times=1)
    window.say("the first of mine")
    window.say("the second of mine")
    window.expect(window.page.get_by_text("Waiting to be sent")).to_have_count(2)
    window.log_out()
    sent = []
    window.page.on("request", lambda request: sent.append(request.post_data or ""))
    window.log_in(next(names))
    held.pop().fulfill(json={})
    window.open("Kitchen")
    window.say("I am another")
    second = ben.page.get_by_role("listitem").filter(has_text="the second of mine")
    ben.expect(ben.page.get_by_text("I am another", exact=True)).to_be_visible()
    ben.expect(second).to_have_count(0)
    assert [body for body in sent if "the second of mine" in body] == []
    window.log_out()
    window.log_in(ann_name)

    ben.expect(second.get_by_text(ann_name)).to_be_attached()


def sent(window, text):
    """Say something, and wait until the page knows that it is stored."""
    window.say(text)
    wait_kept(window, "stored")


def posts(window):
    """Give the list to which each message is added that the page posts from now on."""
    posted = []
    window.page.on("request", lambda request: posted.append(request) if request.url.endswith("/api/send") else None)
    return posted


def test_what_was_sent_stays_in_sight_while_the_connection_is_away(two, link):
    ann, ben, *_names = two
    posted = posts(ann)
    ann.say("before")
    ann.wait_said("before")
    link.cut()
    sent(ann, "one")
    sent(ann, "two")
    ben.wait_said("before", "one", "two")
    ben.say("three")

    ann.wait_said("before", "one", "two")
    link.mend()
    ann.wait_state("Online")
    for window in (ann, ben):
        window.wait_said("before", "one", "two", "three")
    assert len(posted) == 3
    wait_kept(ann, "nothing")


def test_what_was_sent_stays_in_sight_over_a_reload_and_is_not_sent_again(two, link):
    ann, ben, *_names = two
    link.cut()
    sent(ann, "in the gap")
    posted = posts(ann)
    ann.page.reload()

    ann.wait_said("in the gap")
    link.mend()
    ann.wait_state("Online")
    ben.say("after it")
    for window in (ann, ben):
        window.wait_said("in the gap", "after it")
    assert posted == []
    wait_kept(ann, "nothing")


def test_what_was_sent_stays_with_its_conversation(two, link):
    ann, _ben, _ann_name, ben_name = two
    link.cut()
    sent(ann, "for one person alone")
    ann.entry("Kitchen").click()
    ann.expect(ann.page.get_by_role("heading", level=1, name="Kitchen")).to_be_visible()
    ann.expect(ann.page.get_by_text("for one person alone")).to_have_count(0)
    ann.entry(ben_name).click()
    ann.wait_said("for one person alone")
    link.mend()
    ann.wait_open(ben_name)

    ann.wait_said("for one person alone")
    wait_kept(ann, "nothing")


def test_what_was_sent_waits_for_its_author_when_another_logs_in(two, link):
    ann, _ben, ann_name, ben_name = two
    link.cut()
    sent(ann, "of the first")
    ann.log_out()
    link.mend()
    ann.log_in(next(names))
    ann.open(ben_name)
    ann.wait_said()
    ann.log_out()
    ann.log_in(ann_name)
    ann.open(ben_name)

    ann.wait_said("of the first")
    wait_kept(ann, "nothing")


def test_what_is_not_kept_any_more_goes_when_the_connection_is_back(chat, two, link):
    """Others have written so much meanwhile, say."""
    ann, ben, *_names = two
    channel = ann.page.url.partition("#")[2]
    link.cut()
    sent(ann, "soon forgotten")
    key = {"X-API-Key": load_keys(chat.data_dir).api_key}
    url = f"http://127.0.0.1:{chat.admin_port}/api/history_remove"
    httpx.post(url, headers=key, json={"channel": channel}).raise_for_status()
    ann.page.reload()
    ann.wait_said("soon forgotten")
    link.mend()

    ann.wait_state("Online")
    ann.wait_said()
    ben.say("what did I miss?")
    ann.wait_said("what did I miss?")
    wait_kept(ann, "nothing")


def test_what_is_stored_in_part_is_sent_again_though_its_author_sees_it(two):
    """503 says that somebody's inbox may lack it."""
    ann, ben, *_names = two
    posted = posts(ann)

    def not_everywhere(route):
        route.fetch()
        route.fulfill(status=503, json={"error": "try again"})

    ann.page.route("**/api/send", not_everywhere, times=1)
    with ann.page.expect_response(lambda answer: answer.url.endswith("/api/send") and answer.ok):
        ann.say("once")
        ann.wait_said("once")

    for window in (ann, ben):
        window.wait_said("once")
    assert len(posted) == 2
    wait_kept(ann, "nothing")


def test_an_answer_that_is_none_is_asked_for_again(two):
    """Of a network that wants somebody to log in, for example."""
    ann, ben, *_names = two
    ann.page.route("**/api/send", lambda route: route.fulfill(body="<h1>Welcome</h1>"), times=1)
    ann.say("not lost")

    for window in (ann, ben):
        window.wait_said("not lost")


REACHED = """async (positions) => {
    const { Thread } = await import("./thread.js");
    const handlers = { subscribed: [] };
    const subscription = {
        on: (name, handler) => (handlers[name] ??= []).push(handler),
        subscribe: () => null,
        history: async () => ({ publications: [] }),
        presence: async () => ({ clients: {} }),
        state: "subscribing",
    };
    const thread = new Thread({ newSubscription: () => subscription }, "room:lobby", { changed: () => null });
    const reached = () => positions.map((position) => thread.reached(position));
    const answers = [reached()];
    subscription.state = "subscribed";
    for (const handler of handlers.subscribed) handler({ streamPosition: { epoch: "new", offset: 3 } });
    answers.push(reached());
    await new Promise((done) => setTimeout(done));
    answers.push(reached());
    for (const handler of handlers.publication) handler({ offset: 4, data: {} });
    answers.push(reached());
    subscription.state = "subscribing";
    answers.push(reached());
    return answers;
}"""


def test_a_conversation_has_come_to_a_position_once_it_is_loaded_up_to_there_or_its_epoch_is_gone(open_window, chat):
    positions = [{"epoch": "new", "offset": 3}, {"epoch": "new", "offset": 4}, {"epoch": "old", "offset": 9}]
    before, loading, loaded, later, away = open_window(chat).page.evaluate(REACHED, positions)

    assert before == loading == away == [False, False, False]
    assert loaded == [True, False, True]
    assert later == [True, True, True]
