"""What somebody writes in the chat is kept until the conversation has it, is sent once and shown once, whatever breaks."""

from __future__ import annotations

from browser.conftest import names


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
