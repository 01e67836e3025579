"""The chat's back end: who somebody is, what they may write, and where it goes."""

from __future__ import annotations

import httpx
import jwt
import pytest
from hypercorn.middleware import ProxyFixMiddleware
from starlette.exceptions import HTTPException
from starlette.requests import Request

from examples.chat.bodies import Send, read_body

ORIGIN = "http://chat.example:7000"
MESSAGE = {"id": "message-1", "channel": "room:lobby", "text": "hello"}


def texts(published):
    return [each["text"] for each in published]


async def test_a_browser_is_nobodys_until_somebody_logs_in(open_browser):
    browser = open_browser()

    assert (await browser.get("/api/session")).json() == {"me": None}
    for path in ("/api/token", "/api/send", "/api/read"):
        assert (await browser.post(path, json={})).status_code == 401


async def test_whoever_gives_a_name_is_that_person(log_in):
    ada, bob, phone = await log_in("Ada"), await log_in("Bob"), await log_in(" ADA ")
    sessions = [(await browser.get("/api/session")).json() for browser in (ada, bob, phone)]

    assert [session["me"] for session in sessions] == [
        {"id": "1", "name": "Ada"},
        {"id": "2", "name": "Bob"},
        {"id": "1", "name": "Ada"},
    ]
    assert sessions[2]["people"] == [{"id": "1", "name": "Ada"}, {"id": "2", "name": "Bob"}]
    assert sessions[2]["gateway"] == "http://chat.example:8000"


async def test_the_session_is_a_signed_cookie_that_other_sites_and_scripts_do_not_get(open_browser):
    browser = open_browser()
    answer = await browser.post("/api/login", json={"name": "Ada"})
    value = answer.cookies["chat"]
    kept = open_browser(Cookie=f"chat={value}")
    forged = open_browser(Cookie=f"chat={'B' if value[0] == 'A' else 'A'}{value[1:]}")

    assert "httponly; samesite=strict" in answer.headers["set-cookie"]
    assert (await kept.get("/api/session")).json()["me"] == {"id": "1", "name": "Ada"}
    assert (await forged.get("/api/session")).json() == {"me": None}


async def test_who_logs_out_is_nobody(log_in):
    ada = await log_in("Ada")
    await ada.post("/api/logout", json={})

    assert (await ada.get("/api/session")).json() == {"me": None}


@pytest.mark.parametrize("path", ["/api/token", "/api/send", "/api/read"])
async def test_a_request_of_a_page_that_is_somebody_elses_is_refused(log_in, fake_gateway, path):
    """Another tab made the browser Bob's, and this page still is Ada's."""
    await log_in("Ada")
    browser = await log_in("Bob")
    answers = [await browser.post(path, json=MESSAGE, headers={"Chat-User": user}) for user in ("1", "2")]

    assert [answer.status_code == 401 for answer in answers] == [True, False]
    assert answers[0].json() == {"error": "somebody else has logged in in this browser"}


async def test_an_answer_on_its_way_undoes_no_logging_out(log_in):
    """Only what logs in or out sets the cookie."""
    ada = await log_in("Ada")
    answers = [await ada.get("/api/session"), await ada.post("/api/token", json={}), await ada.get("/")]

    assert [answer.headers.get("set-cookie") for answer in answers] == [None] * 3


async def test_a_token_lets_its_person_in_under_their_name_for_ten_minutes(log_in):
    ada = await log_in("Ada")
    token = (await ada.post("/api/token", json={})).json()["token"]
    claims = jwt.decode(token, "a token secret of 32 bytes or more", algorithms=["HS256"])

    assert (claims["sub"], claims["info"], claims["exp"] - claims["iat"]) == ("1", {"name": "Ada"}, 600)


async def test_a_message_goes_into_its_room_and_into_the_inboxes_of_all_others(log_in, fake_gateway):
    ada, _bob, _eve = await log_in("Ada"), await log_in("Bob"), await log_in("Eve")
    answer = await ada.post("/api/send", json={**MESSAGE, "text": " hello "})
    (message,) = fake_gateway.published["room:lobby"]

    assert answer.json() == {"offset": 1, "epoch": "e", "data": message}
    assert message.pop("time") > 1_700_000_000_000
    assert message == {
        "type": "message",
        "id": "1-message-1",
        "channel": "room:lobby",
        "from": {"id": "1", "name": "Ada"},
        "text": "hello",
    }
    assert set(fake_gateway.published) == {"room:lobby", "#2", "#3"}


async def test_a_direct_message_reaches_the_two_and_nobody_else(log_in, fake_gateway):
    _ada, bob, _eve = await log_in("Ada"), await log_in("Bob"), await log_in("Eve")
    answer = await bob.post("/api/send", json={**MESSAGE, "channel": "dm:#1,2"})

    assert answer.status_code == 200
    assert set(fake_gateway.published) == {"dm:#1,2", "#1"}


@pytest.mark.parametrize("channel", ["room:cellar", "dm:#1,2", "dm:#2,1", "dm:#3,3", "dm:#3,9", "dm:#1,3 ", "#1", "x"])
async def test_nobody_writes_where_they_are_not(log_in, fake_gateway, channel):
    for name in ("Ada", "Bob"):
        await log_in(name)
    eve = await log_in("Eve")
    answers = [
        await eve.post("/api/send", json={**MESSAGE, "channel": channel}),
        await eve.post("/api/read", json={"channel": channel, "offset": 1}),
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == {"error": "there is no such conversation"}
    assert fake_gateway.published == {}


async def test_a_message_that_is_sent_again_is_there_once(log_in, fake_gateway):
    ada, _bob = await log_in("Ada"), await log_in("Bob")
    for _ in range(2):
        await ada.post("/api/send", json=MESSAGE)

    assert [texts(kept) for kept in fake_gateway.published.values()] == [["hello"], ["hello"]]


async def test_nobody_takes_the_id_of_anothers_message(log_in, fake_gateway):
    ada, bob = await log_in("Ada"), await log_in("Bob")
    await ada.post("/api/send", json={**MESSAGE, "text": "from Ada"})
    await bob.post("/api/send", json={**MESSAGE, "text": "from Bob"})

    assert texts(fake_gateway.published["room:lobby"]) == ["from Ada", "from Bob"]


async def test_while_the_gateway_is_away_it_says_try_again(log_in, fake_gateway):
    ada = await log_in("Ada")
    fake_gateway.down = True
    answer = await ada.post("/api/send", json=MESSAGE)

    assert (answer.status_code, answer.json()) == (503, {"error": "the gateway does not answer; try again"})


async def test_what_was_not_stored_in_every_inbox_is_to_be_sent_again(log_in, fake_gateway):
    ada, _bob = await log_in("Ada"), await log_in("Bob")
    fake_gateway.refused["#2"] = {"code": 100, "message": "internal server error"}
    first = await ada.post("/api/send", json=MESSAGE)
    fake_gateway.refused.clear()
    second = await ada.post("/api/send", json=MESSAGE)

    assert (first.status_code, second.status_code) == (503, 200)
    assert {channel: texts(kept) for channel, kept in fake_gateway.published.items()} == {
        "room:lobby": ["hello"],
        "#2": ["hello"],
    }


async def test_what_is_read_is_told_to_the_devices_of_this_person_alone(log_in, fake_gateway):
    ada, _bob = await log_in("Ada"), await log_in("Bob")
    answer = await ada.post("/api/read", json={"channel": "room:lobby", "offset": 7})

    assert answer.status_code == 204
    assert fake_gateway.published == {"#1": [{"type": "read", "channel": "room:lobby", "offset": 7}]}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "truncated"),
        (b"[]", "Expected `object`"),
        (b'{"id": "message-1", "channel": "room:lobby"}', "missing required field `text`"),
        (b'{"id": "message-1", "channel": "room:lobby", "text": "  "}', "there is no text"),
        (b'{"id": "message-1", "channel": "room:lobby", "text": "\xff"}', "utf-8"),
        (b'{"id": "message-1", "channel": "room:lobby", "text": "%s"}' % (b"x" * 2001), "length <= 2000"),
        (b'{"id": "message-1", "channel": "room:lobby", "text": 1}', "Expected `str`"),
        (b'{"id": "short", "channel": "room:lobby", "text": "x"}', "$.id"),
        (b'{"id": "message-1\\n", "channel": "room:lobby", "text": "x"}', "$.id"),
    ],
)
async def test_a_message_that_is_none_is_refused_in_one_sentence(log_in, fake_gateway, body, says):
    ada = await log_in("Ada")
    answer = await ada.post("/api/send", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert says in answer.json()["error"]
    assert fake_gateway.published == {}


async def test_more_than_16_kib_are_refused_and_not_even_read():
    parts = 0

    async def receive():
        nonlocal parts
        parts += 1
        return {"type": "http.request", "body": b" " * 1024, "more_body": True}

    scope = {"type": "http", "headers": [(b"content-type", b"application/json")]}
    with pytest.raises(HTTPException) as refused:
        await read_body(Request(scope, receive), Send)

    assert refused.value.status_code == 413
    assert parts == 17


async def test_a_form_of_another_site_is_not_taken(log_in):
    ada = await log_in("Ada")
    answer = await ada.post("/api/send", data=MESSAGE)

    assert answer.status_code == 415


@pytest.mark.parametrize("origin", ["http://evil.example", "http://chat.example:7001", "null", ""])
async def test_a_request_from_another_origin_is_refused(log_in, fake_gateway, origin):
    ada = await log_in("Ada")
    answer = await ada.post("/api/send", json=MESSAGE, headers={"Origin": origin})

    assert answer.status_code == 403
    assert fake_gateway.published == {}


async def test_the_page_may_load_and_reach_nothing_of_others(open_browser):
    answer = await open_browser().get("/")

    assert answer.headers["content-type"].startswith("text/html")
    policy = dict(each.split(" ", 1) for each in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["connect-src"] == "'self' http://chat.example:8000 ws://chat.example:8000"
    assert policy["frame-ancestors"] == "'none'"


async def test_behind_tls_the_page_reaches_the_gateway_by_tls_as_well(app, log_in):
    """Hypercorn's `ProxyFixMiddleware` tells the app what the proxy in front of it told."""
    kept = (await log_in("Ada")).cookies
    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "chat.example"}
    transport = httpx.ASGITransport(ProxyFixMiddleware(app))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=proxied, cookies=kept) as browser:
        answer = await browser.get("/api/session")

    assert answer.json()["gateway"] == "https://chat.example:8000"
    assert (
        "connect-src 'self' https://chat.example:8000 wss://chat.example:8000;"
        in answer.headers["content-security-policy"]
    )


@pytest.mark.parametrize("host", ["localhost:7000", "127.0.0.1:7000", "192.168.178.20:7000", "CHAT.example"])
async def test_it_answers_under_its_own_names_and_under_addresses(open_browser, host):
    """A phone of the same network comes by the address; no other site can have it."""
    assert (await open_browser(Host=host, Origin=f"http://{host}").get("/api/session")).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "chat.example.", "[::1]"])
async def test_under_no_other_name_it_answers(open_browser, host):
    """A page of another site whose name is turned to this machine (DNS rebinding) gets nothing."""
    answer = await open_browser(Host=host, Origin=f"http://{host}").get("/api/session")

    assert answer.status_code == 400
    assert answer.json() == {"error": "this chat has another name; --allowed-host gives it one more"}
    assert "content-security-policy" not in answer.headers


@pytest.mark.parametrize("host", ["a b", "x;script-src *", 'x"y', "x:y"])
async def test_a_host_that_is_none_gets_into_no_header(open_browser, host):
    answer = await open_browser(Host=host).get("/")

    assert host not in answer.headers.get("content-security-policy", "")


@pytest.mark.parametrize("path", ["/../app.py", "/%2e%2e/keys.py", "/nothing", "/api/nothing"])
async def test_nothing_but_the_page_is_served(open_browser, path):
    assert (await open_browser().get(path)).status_code == 404
