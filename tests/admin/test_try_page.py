"""The page to try the gateway gives secrets to nobody but a browser on this machine."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from tests.admin.asking import ask
from trio_gateway.admin.try_page import HTML, TryPage

DEVELOPMENT = TryPage(port=8000, make_token=lambda user: f"token of {user}")


async def access(page=DEVELOPMENT, path="/try.json", **asking):
    return (await ask(path, page=page, **asking)).json()


@pytest.mark.parametrize("host", ["localhost:9000", "localhost", "127.0.0.1:9000", "[::1]:9000", "LOCALHOST:9000"])
async def test_a_browser_on_this_machine_gets_a_development_token(host):
    told = await access(host=host)
    assert (told["access"], told["token"]) == ("token", "token of 7")


async def test_the_token_is_for_the_user_that_is_asked_for():
    told = await access(path="/try.json?user=8")
    assert (told["user"], told["token"]) == ("8", "token of 8")


async def test_a_user_that_can_not_be_is_refused():
    answer = await ask("/try.json?user=%0a", page=DEVELOPMENT)
    assert answer.status_code == 400
    assert "user id" in answer.json()["status"]


@pytest.mark.parametrize("host", ["evil.example:9000", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1"])
async def test_a_name_that_a_stranger_may_point_here_gets_no_token(host):
    assert "token" not in await access(host=host)


@pytest.mark.parametrize("peer", ["10.0.0.9", "::ffff:10.0.0.9", "2001:db8::1"])
async def test_another_machine_gets_no_token_whatever_it_calls_us(peer):
    assert "token" not in await access(peer=peer)


async def test_a_peer_on_a_socket_for_both_kinds_of_address_is_known_as_this_machine():
    assert "token" in await access(peer="::ffff:127.0.0.1")


@pytest.mark.parametrize("header", ["forwarded", "via", "x_forwarded_for"])
async def test_who_comes_through_a_proxy_gets_no_token(header):
    assert "token" not in await access(**{header: "for=10.0.0.9"})


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_the_page_of_another_site_gets_no_token(site):
    assert "token" not in await access(sec_fetch_site=site)


async def test_no_answer_may_be_read_by_another_origin():
    answer = await ask("/try.json", page=DEVELOPMENT, origin="http://evil.example")
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


async def test_with_a_token_secret_of_the_operator_the_page_asks_for_a_token():
    told = await access(TryPage())
    assert told["access"] == "ask"
    assert "token" not in told


async def test_an_insecure_server_needs_no_token():
    told = await access(TryPage(insecure=True), peer="10.0.0.9", host="node.example")
    assert told["access"] == "insecure"
    assert "token" not in told


@pytest.mark.parametrize(
    ("listening", "host", "url"),
    [
        ("127.0.0.1", "localhost:9000", "ws://localhost:8000/ws"),
        ("127.0.0.1", "127.0.0.1:9000", "ws://127.0.0.1:8000/ws"),
        ("0.0.0.0", "node.example:9000", "ws://node.example:8000/ws"),
        ("::", "[::1]:9000", "ws://[::1]:8000/ws"),
        ("10.0.0.5", "localhost:9000", "ws://10.0.0.5:8000/ws"),
        ("2001:db8::5", "localhost:9000", "ws://[2001:db8::5]:8000/ws"),
    ],
)
async def test_the_page_connects_under_the_name_that_the_browser_used_where_that_reaches_the_server(
    listening, host, url
):
    assert (await access(TryPage(host=listening, port=8000), host=host))["url"] == url


@pytest.mark.parametrize("host", ["", "a b", "x'; script-src *", 'x"><script>', "[::1", "x:999999", "user@localhost"])
@pytest.mark.parametrize("path", ["/", "/try.json"])
async def test_a_host_that_is_none_is_refused(path, host):
    answer = await ask(path, page=DEVELOPMENT, host=host)
    assert answer.status_code == 400
    assert "content-security-policy" not in answer.headers


async def test_the_policy_allows_this_script_this_style_and_this_socket_alone():
    policy = (await ask("/", page=DEVELOPMENT)).headers["content-security-policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "'self' ws://localhost:8000/ws"
    assert rules["frame-ancestors"] == "'none'"
    for element in ("script", "style"):
        text = HTML.partition(f"<{element}")[2].partition(">")[2].partition(f"</{element}>")[0]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[f"{element}-src"] == f"'sha256-{digest}'"


async def test_the_page_names_no_token_and_no_user():
    answer = await ask("/?user=mallory", page=DEVELOPMENT)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "token of" not in answer.text
    assert "mallory" not in answer.text


def test_the_page_loads_nothing_from_elsewhere():
    addresses = set(re.findall(r"(?:https?:)?//[\w.]+", re.sub(r"^\s*//.*", "", HTML, flags=re.MULTILINE)))
    assert addresses == {"http://www.w3.org"}  # the name space of the drawing in the tab


def test_the_page_never_parses_what_came_from_outside_as_html():
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", HTML)
