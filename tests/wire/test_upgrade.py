"""Only what RFC 6455 calls an upgrade request is accepted, and wsproto accepts all of that."""

from __future__ import annotations

import h11
import pytest
import wsproto
from hypothesis import example, given, settings
from hypothesis import strategies as st
from wsproto.events import AcceptConnection, Request

from trio_gateway.wire.refusal import RequestRefused
from trio_gateway.wire.request import parse_request
from trio_gateway.wire.upgrade import accept_response, read_upgrade

GOOD = {
    "Host": "example.com:8000",
    "Upgrade": "websocket",
    "Connection": "keep-alive, Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


def head(request_line="GET /ws HTTP/1.1", *, extra=(), **changes):
    """Write a head: the good one with headers changed (underscores for dashes), left out (None) or added."""
    headers = {**GOOD, **{name.replace("_", "-"): value for name, value in changes.items()}}
    pairs = [*((name, value) for name, value in headers.items() if value is not None), *extra]
    lines = [request_line.encode(), *(name.encode() + b": " + as_bytes(value) for name, value in pairs), b"", b""]
    return b"\r\n".join(lines)


def as_bytes(value):
    return value if isinstance(value, bytes) else value.encode()


def parse_upgrade(request_head):
    return read_upgrade(parse_request(request_head))


def refusal(request_head):
    with pytest.raises(RequestRefused) as caught:
        parse_upgrade(request_head)
    return caught.value


# -- Accepted


def test_a_request_shows_what_it_asks_for():
    request = parse_upgrade(
        head(
            "GET /ws?token=abc&device=phone&empty= HTTP/1.1",
            extra=[("Origin", "https://example.com"), ("Sec-WebSocket-Protocol", "trio-gateway, t.o.k")],
        )
    )

    assert request.path == "/ws"
    assert request.query == {"token": ("abc",), "device": ("phone",), "empty": ("",)}
    assert request.host == "example.com:8000"
    assert request.origin == "https://example.com"
    assert request.subprotocols == ("trio-gateway", "t.o.k")
    assert request.key == GOOD["Sec-WebSocket-Key"]
    assert request.headers["connection"] == "keep-alive, Upgrade"


def test_without_query_origin_and_subprotocols_there_are_none():
    request = parse_upgrade(head())

    assert (request.query, request.origin, request.subprotocols) == ({}, None, ())


def test_the_query_is_decoded_and_keeps_repeated_parameters():
    query = parse_upgrade(head("GET /ws?user=j%C3%BCrgen+x&c=1&c=2&%C3%BC=%26%3D HTTP/1.1")).query

    assert query == {"user": ("jürgen x",), "c": ("1", "2"), "ü": ("&=",)}


def test_headers_given_twice_are_joined():
    request = parse_upgrade(head(extra=[("X-Forwarded-For", "192.0.2.1"), ("x-forwarded-for", "192.0.2.2")]))

    assert request.headers["x-forwarded-for"] == "192.0.2.1, 192.0.2.2"


def test_subprotocols_may_come_in_several_headers():
    request = parse_upgrade(head(extra=[("Sec-WebSocket-Protocol", "a, b"), ("Sec-WebSocket-Protocol", "c")]))

    assert request.subprotocols == ("a", "b", "c")


@pytest.mark.parametrize(
    "changes",
    [
        {"Host": "localhost"},
        {"Host": "[::1]:8000"},
        {"Host": "192.0.2.1:80"},
        {"Host": "my_service.internal"},
        {"Host": "xn--jrgen-kva.example"},
        {"Upgrade": "WebSocket"},
        {"Connection": "upgrade"},
        {"Connection": "Keep-Alive,  UPGRADE ,x"},
        {"Sec_WebSocket_Key": "AQIDBAUGBwgJCgsMDQ4PEC=="},
        {"extra": [("Content-Length", "0")]},
        {"extra": [("Cookie", "name=j\xfcrgen".encode("latin-1"))]},
        {"extra": [("Sec-WebSocket-Extensions", 'permessage-deflate; client_max_window_bits="10", x')]},
    ],
)
def test_unusual_requests_are_accepted_as_well(changes):
    assert parse_upgrade(head(**changes))
    assert theirs(head(**changes))


def test_a_request_does_not_show_its_secrets():
    request = parse_upgrade(head(extra=[("Authorization", "Bearer s3cret"), ("Sec-WebSocket-Protocol", "s3cret")]))

    assert "s3cret" not in repr(request)


# -- Refused


@pytest.mark.parametrize(
    ("status", "wrong"),
    [
        pytest.param(505, head("GET /ws HTTP/1.0"), id="HTTP/1.0"),
        pytest.param(505, head("GET /ws HTTP/9.9"), id="HTTP/9.9"),
        pytest.param(505, b"PRI * HTTP/2.0\r\n\r\n", id="HTTP/2"),
        pytest.param(405, head("POST /ws HTTP/1.1"), id="POST"),
        pytest.param(400, head("CONNECT example.com:80 HTTP/1.1"), id="CONNECT"),
        pytest.param(426, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", id="plain HTTP"),
        pytest.param(426, head(Upgrade=None), id="no Upgrade"),
        pytest.param(426, head(Upgrade="h2c"), id="another Upgrade"),
        pytest.param(426, head(Sec_WebSocket_Version=None), id="no version"),
        pytest.param(426, head(Sec_WebSocket_Version="8"), id="version 8"),
        pytest.param(426, head(Sec_WebSocket_Version="13, 8"), id="two versions"),
        pytest.param(400, head(Host=None), id="no Host"),
        pytest.param(400, head(extra=[("Host", "other.example")]), id="two Hosts"),
        pytest.param(400, head(Host=""), id="empty Host"),
        pytest.param(400, head(Host=b"ex\xe4mple.com"), id="Host not ASCII"),
        pytest.param(400, head(Host="user@example.com"), id="user in Host"),
        pytest.param(400, head(Host="example.com/x"), id="path in Host"),
        pytest.param(400, head(Host="example.com:port"), id="port no number"),
        pytest.param(400, head(Connection=None), id="no Connection"),
        pytest.param(400, head(Connection="keep-alive"), id="Connection without upgrade"),
        pytest.param(400, head(Connection=b"upgrade, \xff"), id="Connection not ASCII"),
        pytest.param(400, head(extra=[("Connection", "keep-alive")]), id="two Connections"),
        pytest.param(400, head(extra=[("Upgrade", "h2c")]), id="two Upgrades"),
        pytest.param(400, head(Sec_WebSocket_Key=None), id="no key"),
        pytest.param(400, head(Sec_WebSocket_Key="c2hvcnQ="), id="short key"),
        pytest.param(400, head(Sec_WebSocket_Key="!" * 24), id="key not base64"),
        pytest.param(400, head(Sec_WebSocket_Key=b"\xff" * 24), id="key not ASCII"),
        pytest.param(400, head(extra=[("sec-websocket-key", GOOD["Sec-WebSocket-Key"])]), id="two keys"),
        pytest.param(400, head(extra=[("Sec-WebSocket-Version", "13")]), id="version twice"),
        pytest.param(400, head(extra=[("Sec-WebSocket-Protocol", b"\xff")]), id="subprotocol not ASCII"),
        pytest.param(400, head(extra=[("Sec-WebSocket-Protocol", "a b")]), id="subprotocol no token"),
        pytest.param(400, head(extra=[("Sec-WebSocket-Extensions", b"\xff")]), id="extension not ASCII"),
        pytest.param(400, head(extra=[("Origin", b"http://\xff")]), id="Origin not ASCII"),
        pytest.param(400, head(extra=[("Origin", "http://a"), ("Origin", "http://b")]), id="two Origins"),
        pytest.param(400, head(extra=[("Authorization", "a"), ("Authorization", "b")]), id="two Authorizations"),
        pytest.param(400, head(extra=[("Content-Length", "5")]), id="a body"),
        pytest.param(400, head(extra=[("Content-Length", "0"), ("Content-Length", "5")]), id="two lengths"),
        pytest.param(400, head(extra=[("Content-Length", "-1")]), id="negative length"),
        pytest.param(400, head(extra=[("Transfer-Encoding", "chunked")]), id="chunked body"),
        pytest.param(400, head(extra=[("Transfer-Encoding", "gzip")]), id="coded body"),
        pytest.param(400, head("GET ftp://example.com/ws HTTP/1.1"), id="absolute target of another scheme"),
        pytest.param(400, head("GET * HTTP/1.1"), id="star target"),
        pytest.param(400, head("GET /ws#part HTTP/1.1"), id="fragment in target"),
        pytest.param(400, head("GET /ws?user=%zz HTTP/1.1"), id="broken escape"),
        pytest.param(400, head("GET /ws?user=% HTTP/1.1"), id="half an escape"),
        pytest.param(400, head("GET /ws?user=%ff HTTP/1.1"), id="query not UTF-8"),
        pytest.param(400, head("GET /ws?" + "a=1&" * 65 + " HTTP/1.1"), id="too many parameters"),
        pytest.param(400, head("GET /w s HTTP/1.1"), id="space in target"),
        pytest.param(400, head("GET /ws"), id="no version of HTTP"),
        pytest.param(400, head(extra=[("a b", "c")]), id="space in a header's name"),
        pytest.param(400, head(extra=[("X", b"a\x00b")]), id="NUL in a header"),
        pytest.param(400, b"\r\n" + head(), id="empty line first"),
        pytest.param(400, head().replace(b"\r\n", b"\n"), id="bare line feeds"),
        pytest.param(400, head(extra=[("X", "a\n\nGET / HTTP/1.1")]), id="a second head inside"),
        pytest.param(400, head() + b"GET / HTTP/1.1\r\n", id="more than a head"),
        pytest.param(400, head()[:-2], id="less than a head"),
        pytest.param(400, b"", id="nothing"),
    ],
)
def test_what_is_no_upgrade_request_is_refused(status, wrong):
    assert refusal(wrong).status == status


def test_another_version_learns_which_one_is_spoken():
    assert ("Sec-WebSocket-Version", "13") in refusal(head(Sec_WebSocket_Version="8")).headers


def test_another_method_learns_which_one_is_allowed():
    assert ("Allow", "GET") in refusal(head("PUT /ws HTTP/1.1")).headers


def test_a_refusal_does_not_quote_the_request():
    assert "s3cret" not in refusal(head(extra=[("s3 cret", "s3cret")])).detail


# -- wsproto


def theirs(accepted):
    """Let wsproto read and accept a head; return its request."""
    connection = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
    connection.receive_data(accepted)
    (request,) = connection.events()
    assert isinstance(request, Request)
    subprotocol = request.subprotocols[0] if request.subprotocols else None
    assert connection.send(AcceptConnection(subprotocol=subprotocol)).startswith(b"HTTP/1.1 101 ")
    return request


@pytest.mark.parametrize("subprotocols", [[], ["trio-gateway", "a.b.c"]])
def test_a_client_of_wsproto_takes_the_response_that_accepts(subprotocols):
    client = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
    asked = client.send(Request(host="example.com", target="/ws", subprotocols=subprotocols))
    chosen = subprotocols[0] if subprotocols else None
    client.receive_data(accept_response(parse_upgrade(asked).key, chosen))
    (accepted,) = client.events()

    assert isinstance(accepted, AcceptConnection)
    assert accepted.subprotocol == chosen


def test_the_response_that_accepts_answers_the_key_as_in_the_rfc():
    """RFC 6455 §1.3 has this key and this answer."""
    assert accept_response("dGhlIHNhbXBsZSBub25jZQ==", None) == (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        b"\r\n"
    )


wild = st.one_of(
    st.text(st.characters(max_codepoint=255), max_size=12).map(lambda text: text.encode("latin-1")),
    st.binary(max_size=8),
)
plausible = {
    "Host": st.text(st.sampled_from("abz019.-_:[]xn~%@"), max_size=12) | st.just("xn--a"),
    "Upgrade": st.sampled_from(["WebSocket", "websocket, h2c", "h2c"]),
    "Connection": st.lists(st.sampled_from(["upgrade", "Upgrade", "close", "x y", ""]), max_size=3).map(", ".join),
    "Sec-WebSocket-Key": st.text(st.sampled_from("Aa0+/="), min_size=22, max_size=24).map(lambda key: f"{key[:22]}=="),
    "Sec-WebSocket-Version": st.sampled_from(["13", "8", "13, 13"]),
    "Origin": st.sampled_from(["null", "https://example.com"]),
    "Sec-WebSocket-Protocol": st.text(st.sampled_from("ab, \t-"), max_size=8),
    "Sec-WebSocket-Extensions": st.text(st.sampled_from('ab, ;="'), max_size=8),
    "Content-Length": st.sampled_from(["0", "00", "0, 0", "1"]),
    "Transfer-Encoding": st.sampled_from(["chunked", "identity", ""]),
    "Expect": st.sampled_from(["100-continue", "x"]),
    "X": st.text(st.characters(max_codepoint=126), max_size=8),
}
targets = st.sampled_from(["/", "/ws", "/ws?user=7", "/ws?a=%c3%bc&b", "//", "/?", "*", "/?%"])


def header(names):
    """Draw one header of these names: four times of five with a value that makes some sense."""
    sense = st.integers(0, 4)
    return st.sampled_from(names).flatmap(
        lambda name: st.tuples(st.just(name), sense.flatmap(lambda some: plausible[name] if some else wild))
    )


@st.composite
def nearly_good_heads(draw):
    changes = dict(draw(st.lists(header(sorted(GOOD)), max_size=1)))
    extra = draw(st.lists(header(sorted(plausible.keys() - GOOD.keys())), max_size=2))
    made = head(f"GET {draw(targets)} HTTP/1.1", extra=extra, **changes)
    if draw(st.integers(0, 3)):
        return made
    place = draw(st.integers(0, len(made)))
    return made[:place] + draw(st.binary(max_size=3)) + made[place + draw(st.integers(0, 3)) :]


@given(nearly_good_heads())
@settings(max_examples=500)
@example(head(Host="a" * 70))
@example(head(extra=[("Sec-WebSocket-Protocol", ",, ,a,"), ("Sec-WebSocket-Protocol", "b")]))
@example(head(extra=[("Expect", "100-continue")]))
@example(head(Connection="close, upgrade"))
def test_wsproto_accepts_every_head_that_is_accepted_here(made):
    try:
        request = parse_upgrade(made)
    except RequestRefused:
        return
    try:
        request.host.encode().decode("idna")
    except UnicodeError:
        return  # wsproto decodes a Host as IDNA and breaks at some; here it is compared with the Origin, and no more
    their_request = theirs(made)

    assert their_request.target.partition("?")[0] == request.path
    assert tuple(filter(None, their_request.subprotocols)) == request.subprotocols


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused(made):
    refusal(made)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_behind_a_good_start_are_refused_or_accepted_by_h11_too(middle):
    made = head().removesuffix(b"\r\n") + middle + b"\r\n\r\n"
    try:
        parse_upgrade(made)
    except RequestRefused:
        return
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(made)
    assert isinstance(connection.next_event(), h11.Request)
