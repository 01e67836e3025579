"""The chat of the examples in a browser: two people and more, on a desktop and on a phone, and a gateway that is killed."""

from __future__ import annotations

import jwt
import pytest
from browser.chat_window import ChatWindow
from browser.conftest import PHONE, names, running_chat
from programs import lacking
from sdk.driving import JAVASCRIPT

from examples.chat.app import PAGE
from examples.chat.keys import load_keys


@pytest.fixture(scope="module")
def mortal_chat(browser, tmp_path_factory):
    """Give a chat whose gateway may be killed, and which may be ended."""
    yield from running_chat(tmp_path_factory.mktemp("mortal"))


def test_two_in_a_room_see_each_other_and_what_both_say_in_order(open_window, chat):
    """Nobody else writes in the lobby."""
    ann, ben = open_window(chat), open_window(chat)
    ann.log_in("Ann")
    ben.log_in("Ben")
    for window in (ann, ben):
        window.wait_open("Lobby")
        window.wait_here("Ann", "Ben")
    ann.say("one")
    ben.wait_said("one")
    ben.say("two")
    ann.wait_said("one", "two")
    for text in ("three", "four"):
        ann.say(text)

    for window in (ann, ben):
        window.wait_said("one", "two", "three", "four")
    ours = (chat.url, f"ws://127.0.0.1:{chat.gateway_port}/connection/websocket", "data:")
    assert ann.errors == ben.errors == []
    assert [address for address in ann.addresses | ben.addresses if not address.startswith(ours)] == []


def test_who_comes_late_sees_what_was_said_and_who_leaves_is_gone(open_window, chat):
    """Nobody else writes in the help room."""
    ann = open_window(chat, name="Ann")
    ann.open("Help")
    ann.say("is anybody there?")
    ann.wait_said("is anybody there?")
    ben = open_window(chat, name="Ben")
    ben.open("Help")
    ben.wait_said("is anybody there?")
    ann.wait_here("Ann", "Ben")
    ben.page.close()

    ann.wait_here("Ann")


def test_a_long_history_comes_page_by_page(two):
    ann, ben, *_names = two
    send = """async (channel) => {
        for (let n = 1; n <= 60; n++) {
            const body = JSON.stringify({ id: `number-${n}`, channel, text: `number ${n}` });
            await fetch("api/send", { method: "POST", headers: { "Content-Type": "application/json" }, body });
        }
    }"""
    ann.page.evaluate(send, ann.page.url.partition("#")[2])
    ben.wait_said(*(f"number {n}" for n in range(1, 61)))
    ben.reload()
    ben.wait_said(*(f"number {n}" for n in range(11, 61)))
    ben.page.get_by_role("log").evaluate("(log) => log.scrollTo(0, 0)")
    oldest = ben.page.get_by_text("number 12", exact=True)
    place = oldest.bounding_box()["y"]
    ben.page.get_by_role("button", name="Earlier messages").click()

    ben.wait_said(*(f"number {n}" for n in range(1, 61)))
    assert oldest.bounding_box()["y"] == pytest.approx(place, abs=2), "what is read stays where it is"
    ben.expect(ben.page.get_by_role("button", name="Earlier messages")).to_be_hidden()


def test_a_direct_message_reaches_both_devices_of_a_person_and_nobody_else(open_window, chat, two):
    ann, laptop, ann_name, ben_name = two
    phone, cleo = open_window(chat, name=ben_name, viewport=PHONE), open_window(chat, name=next(names))
    ann.say("for you alone")

    for window in (ann, laptop):
        window.wait_said("for you alone")
    phone.open(ann_name)
    phone.wait_said("for you alone")
    cleo.wait_unread(ann_name, 0)
    cleo.wait_unread(ben_name, 0)


def test_nobody_else_gets_into_a_conversation_of_two(open_window, chat, two):
    ann, _ben, *_names = two
    channel = ann.page.url.partition("#")[2]
    ann.say("for you alone")
    eve = open_window(chat, name=next(names))
    refused = eve.page.evaluate(
        """async (channel) => {
            const token = (await (await fetch("api/token", { method: "POST" })).json()).token;
            const { gateway } = await (await fetch("api/session")).json();
            const client = new Centrifuge(`${gateway.replace("http", "ws")}/connection/websocket`, { token });
            const subscription = client.newSubscription(channel);
            subscription.subscribe();
            client.connect();
            return new Promise((done) => subscription.on("unsubscribed", ({ code }) => done(code)));
        }""",
        channel,
    )

    assert refused == 103


def test_unread_counts_rise_survive_a_reload_and_fall_on_all_devices(open_window, chat, two):
    ann, laptop, ann_name, ben_name = two
    phone = open_window(chat, name=ben_name, viewport=PHONE)
    laptop.open("Help")
    for text in ("one", "two"):
        ann.say(text)
    for window in (laptop, phone):
        window.wait_unread(ann_name, 2)
        window.wait_title("(2) Chat")
    laptop.reload()
    laptop.wait_unread(ann_name, 2)
    phone.open(ann_name)

    laptop.wait_unread(ann_name, 0)
    laptop.wait_title("Chat")
    laptop.reload()
    laptop.wait_open("Help")
    laptop.wait_title("Chat")


def test_what_is_read_later_does_not_take_along_what_came_before_it(open_window, chat, two):
    """The cursor is one number for all conversations; marks in the inbox keep them apart."""
    ann, ben, ann_name, ben_name = two
    ben.open("Help")
    cleo_name = next(names)
    cleo = open_window(chat, name=cleo_name)
    cleo.open(ben_name)
    ann.say("first")
    ben.wait_unread(ann_name, 1)
    cleo.say("second")
    ben.wait_unread(cleo_name, 1)
    ben.open(cleo_name)
    ben.wait_said("second")
    ben.wait_title("(1) Chat")
    ben.reload()

    ben.wait_unread(ann_name, 1)
    ben.wait_unread(cleo_name, 0)


def test_what_comes_while_a_browser_is_closed_is_unread_when_it_opens(open_window, chat, two):
    ann, ben, ann_name, _ = two
    ben.open("Help")
    context = ben.page.context
    ben.page.close()
    ann.say("are you there?")
    ann.wait_said("are you there?")
    ben = ChatWindow(context.new_page(), ann.expect, chat.url)

    ben.wait_unread(ann_name, 1)


HIDE = """(hidden) => {
    const visibilityState = { configurable: true, get: () => (hidden ? "hidden" : "visible") };
    Object.defineProperty(document, "visibilityState", visibilityState);
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_what_comes_into_a_window_that_nobody_sees_is_unread_until_somebody_looks(two):
    ann, ben, ann_name, _ = two
    ben.page.evaluate(HIDE, True)
    ann.say("look!")
    ben.wait_said("look!")
    ben.wait_unread(ann_name, 1)
    ben.wait_title("(1) Chat")
    ben.page.evaluate(HIDE, False)

    ben.wait_title("Chat")
    ben.reload()
    ben.wait_said("look!")
    ben.wait_unread(ann_name, 0)


def test_the_next_token_comes_before_the_first_one_has_expired(chat, two):
    ann, ben, *_names = two
    secret = load_keys(chat.data_dir).token_secret
    lost = []

    def short_lived(route):
        claims = jwt.decode(route.fetch().json()["token"], secret, algorithms=["HS256"])
        token = jwt.encode({**claims, "exp": claims["iat"] + 5}, secret, algorithm="HS256")
        route.fulfill(json={"token": token})

    ann.page.route("**/api/token", short_lived)
    ann.reload()
    ann.page.on("websocket", lambda socket: lost.append(socket.url))
    for _ in range(2):
        ann.page.wait_for_event("request", lambda request: request.url.endswith("/api/token"))
    ben.say("still there?")

    ann.wait_said("still there?")
    assert lost == [], "it is the same connection"


def test_a_gateway_that_is_killed_and_started_again_loses_nothing_and_shows_nothing_twice(open_window, mortal_chat):
    ann, ben = (open_window(mortal_chat, name=name) for name in ("Ann", "Ben"))
    phone = open_window(mortal_chat, name="Cleo", viewport=PHONE)
    ann.say("before")
    ben.wait_said("before")
    mortal_chat.kill_gateway()
    for window in (ann, ben, phone):
        window.wait_state("Connecting…")
    ann.say("meanwhile")
    for window in (ann, ben, phone):
        window.wait_state("Online")
    ben.wait_said("before", "meanwhile")
    ben.say("after")

    for window in (ann, ben):
        window.wait_said("before", "meanwhile", "after")
        window.wait_here("Ann", "Ben")
    phone.wait_unread("Lobby", 3)


def test_what_people_write_is_shown_as_text(two):
    ann, ben, *_names = two
    text = "<img src=x onerror=alert(1)><b>bold</b>"
    ann.say(text)

    ben.wait_said(text)
    assert ben.page.locator(".bubble *").count() == 0


def test_a_draft_stays_with_its_conversation(two):
    ann, _ben, _ann_name, ben_name = two
    text = ann.page.get_by_label("Message", exact=True)
    text.fill("for one person alone")
    ann.open("Kitchen")
    ann.expect(text).to_have_value("")
    ann.page.go_back()
    ann.wait_open(ben_name)

    ann.expect(text).to_have_value("for one person alone")


def test_who_logs_out_is_asked_who_they_are_also_after_a_reload(two):
    ann, *_others = two
    ann.log_out()
    ann.page.reload()

    ann.expect(ann.page.get_by_label("Your name")).to_be_visible()


def test_another_login_in_another_tab_asks_this_one_to_log_in(two, chat):
    ann, ben, ann_name, ben_name = two
    other = ChatWindow(ann.page.context.new_page(), ann.expect, chat.url)
    other.log_out()
    other.log_in(next(names))
    ann.say("from Ann")
    ann.expect(ann.page.get_by_role("alert")).to_have_text("Please log in again.")
    ann.log_in(ann_name)
    ann.wait_open(ben_name)

    for window in (ann, ben):
        window.wait_said("from Ann")
    ben.expect(ben.page.get_by_role("log").get_by_text(ann_name)).to_be_visible()


def test_who_comes_next_in_the_same_window_sees_whose_the_messages_are(open_window, chat):
    """On a phone, where the first one's conversation is the last one that was shown."""
    window, first = open_window(chat, viewport=PHONE), next(names)
    window.log_in(first)
    window.open("Kitchen")
    window.say("from the first")
    mine = window.page.get_by_role("listitem").filter(has_text="from the first")
    window.expect(mine.get_by_text("You", exact=True)).to_be_attached()
    window.page.get_by_role("link", name="Back").click()
    window.log_out()
    window.log_in(next(names))
    window.open("Kitchen")

    window.expect(mine.get_by_text(first)).to_be_attached()
    window.expect(mine.get_by_text("You", exact=True)).to_have_count(0)


def test_what_is_not_sent_is_gone_when_somebody_logs_out(two):
    ann, *_others = two
    text = ann.page.get_by_label("Message", exact=True)
    text.fill("a secret")
    ann.log_out()
    ann.log_in(next(names))

    ann.expect(text).to_have_value("")


def test_a_double_click_logs_in_once(open_window, chat, two):
    """A second chat would stay when the first one ends."""
    ann, *_others = two
    window, name = open_window(chat), next(names)
    window.page.get_by_label("Your name").fill(name)
    window.page.get_by_role("button", name="Log in").dblclick()
    window.wait_state("Online")
    online = ann.entry(name).get_by_text("online")
    ann.expect(online).to_have_count(1)
    window.log_out()

    ann.expect(online).to_have_count(0)


def test_a_name_that_nobody_can_have_is_refused_with_the_reason(open_window, chat):
    window = open_window(chat)
    window.page.get_by_label("Your name").fill("   ")
    window.page.keyboard.press("Enter")

    window.expect(window.page.get_by_role("alert")).to_have_text("a name is needed")


def test_ctrl_c_ends_all_of_it_without_a_word(mortal_chat):
    said = mortal_chat.output
    assert len(mortal_chat.gateways) == 1

    assert mortal_chat.interrupt() == 0
    assert mortal_chat.gateways == []
    assert mortal_chat.output == said


def test_the_sdk_is_the_one_of_npm():
    package = JAVASCRIPT / "node_modules/centrifuge"
    if not package.exists():
        lacking("the SDK for JavaScript is not installed: `nox -s browser` does it")

    for ours, theirs in (("centrifuge.js", "dist/centrifuge.js"), ("LICENSE", "LICENSE")):
        assert (PAGE / "centrifuge" / ours).read_bytes() == (package / theirs).read_bytes()
