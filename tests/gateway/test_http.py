"""One socket serves request after request, each within its bounds, until one opens a client's connection."""

from __future__ import annotations

import pytest
import trio
from captured_logs import capture_logs
from gateway.peers import request, serve_place
from gateway.streams import StreamPeer, http_request
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from trio_gateway.gateway.http.body import PIECES_PER_TURN
from trio_gateway.gateway.http.exchange import REQUEST
from trio_gateway.gateway.served_socket import KEEP_ALIVE_SECONDS


async def application(scope, receive, send):
    """Tell in JSON what was asked; break where that is asked."""
    asked = await receive()
    if scope["path"] == "/broken":
        raise ZeroDivisionError
    if scope["path"] == "/never":
        await receive()
    text = b'{"asked":"%b %b","length":%d}' % (scope["method"].encode(), scope["raw_path"], len(asked["body"]))
    headers = [(b"content-length", str(len(text)).encode())] if scope["path"] != "/unknown-length" else []
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if scope["path"] == "/cut":
        raise ZeroDivisionError
    await send({"type": "http.response.body", "body": text[:5], "more_body": True})
    await send({"type": "http.response.body", "body": text[5:]})


@pytest.fixture
async def place():
    async with serve_place(application=application) as place:
        yield place


async def ended(peer):
    """Read to the end; answers what came."""
    while data := await peer.stream.receive_some():
        peer.buffer += data
    return peer.buffer


async def test_requests_follow_each_other_on_one_socket(place):
    peer = place.wire()
    for number in range(3):
        await peer.write(http_request(f"/a{number}", b"x" * number))
        status, body, head = await peer.read_response()

        assert (status, body) == (200, {"asked": f"POST /a{number}", "length": number})
        assert "date: " in head.lower()
        assert "connection: close" not in head.lower()


async def test_requests_that_come_together_are_answered_in_order(place):
    peer = place.wire()
    await peer.write(http_request("/a", b"12") + http_request("/b") + http_request("/c"))

    assert [(await peer.read_response())[1]["asked"] for _ in "abc"] == ["POST /a", "GET /b", "GET /c"]


async def test_a_websocket_may_open_behind_other_requests(place):
    peer = place.wire()
    await peer.write(http_request("/a") + request())
    await peer.read_response()
    await peer.read_head()

    assert (await peer.receive())["type"] == "hello"


async def test_a_stream_may_open_behind_other_requests(place):
    peer = place.wire(speak=StreamPeer)
    await peer.write(http_request("/a"))
    await peer.read_response()
    await peer.open(http_request("/sse?user=7"))

    assert (await peer.receive())["type"] == "hello"


async def test_a_body_may_be_chunked_and_come_in_any_cuts(place):
    peer = place.wire()
    head = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    for piece in (head + b"3\r", b"\nab", b"c\r\n2\r\nde\r\n0\r\n", b"\r\n" + http_request("/b")):
        await peer.write(piece)
        await wait_all_tasks_blocked()

    assert (await peer.read_response())[1]["length"] == 5
    assert (await peer.read_response())[1]["asked"] == "GET /b"


async def test_who_asks_first_whether_to_send_is_told_to(place):
    peer = place.wire()
    await peer.write(http_request("/a", b"abc", headers=[("Expect", "100-continue")])[:-3])
    assert await peer.read_head() == "HTTP/1.1 100 \r\n\r\n"
    await peer.write(b"abc")

    assert (await peer.read_response())[1]["length"] == 3


async def test_an_answer_of_unknown_length_is_chunked(place):
    peer = place.wire()
    await peer.write(http_request("/unknown-length"))

    assert "transfer-encoding: chunked" in (await peer.read_head()).lower()


async def test_an_answer_to_head_has_no_body(place):
    peer = place.wire()
    await peer.write(http_request("/a", method="HEAD") + http_request("/b"))
    head = await peer.read_head()

    assert "content-length: " in head.lower()
    assert (await peer.read_response())[1]["asked"] == "GET /b"


@pytest.mark.parametrize(
    "data", [http_request("/a", version="1.0"), http_request("/a", headers=[("Connection", "close")])]
)
async def test_who_wants_no_other_request_is_closed_behind_the_answer(place, data, autojump_clock):
    peer = place.wire()
    await peer.write(data)
    status, _, head = await peer.read_response()

    assert (status, await ended(peer)) == (200, b"")
    assert "connection: close" in head.lower()


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large_is_refused(chunked, autojump_clock):
    async with serve_place(application=application, max_frame_size=100) as place:
        peer = place.wire()
        if chunked:
            await peer.write(b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n" + b"x" * 4095)
        else:
            await peer.write(http_request("/a", b"x" * (1025 + 300))[:-50])  # its head alone says so

        status, body, head = await peer.read_response()

    assert (status, body["code"]) == (413, 107)
    assert "Connection: close" in head


async def test_a_length_of_thousands_of_digits_is_a_long_body(place, autojump_clock):
    peer = place.wire()
    await peer.write(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 8000 + b"\r\n\r\n")

    assert (await peer.read_response())[0] in (400, 413)


async def test_a_broken_body_is_refused(place, autojump_clock):
    peer = place.wire()
    await peer.write(b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")

    assert (await peer.read_response())[0] == 400


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\nHost:", http_request("/a", b"abc")[:-1], b""])
async def test_a_request_that_does_not_end_ends_at_the_deadline(place, sent, autojump_clock):
    peer = place.wire()
    await peer.write(sent)

    assert await ended(peer) == b""
    assert trio.current_time() == pytest.approx(10, abs=1)


async def test_a_flood_of_headers_ends_at_the_deadline_however_it_drips(place, autojump_clock):
    peer = place.wire()
    await peer.write(b"GET / HTTP/1.1\r\nHost: a\r\n")
    with pytest.raises(trio.BrokenResourceError):  # noqa: PT012 - the one write behind the end fails
        while True:
            await trio.sleep(1)
            await peer.write(b"X: 1\r\n")

    assert trio.current_time() == pytest.approx(12, abs=3)


async def test_an_answer_that_takes_too_long_ends_at_the_deadline(place, autojump_clock):
    peer = place.wire()
    await peer.write(http_request("/never"))

    assert await ended(peer) == b""
    assert trio.current_time() == pytest.approx(10, abs=1)


async def test_a_socket_that_is_kept_for_nothing_is_closed(place, autojump_clock):
    peer = place.wire()
    await peer.write(http_request("/a"))
    await peer.read_response()

    assert await ended(peer) == b""
    assert trio.current_time() == pytest.approx(KEEP_ALIVE_SECONDS, abs=1)
    assert not place.node.openings


async def test_each_request_has_its_own_deadline(place, autojump_clock):
    peer = place.wire()
    for _ in range(3):
        await trio.sleep(8)
        await peer.write(http_request("/a"))
        assert (await peer.read_response())[0] == 200


async def test_requests_that_come_together_have_a_deadline_each(autojump_clock):
    async def slow(scope, receive, send):
        await trio.sleep(4)
        await application(scope, receive, send)

    async with serve_place(application=slow) as place:
        peer = place.wire()
        await peer.write(http_request("/a") * 4)

        assert [(await peer.read_response())[0] for _ in range(4)] == [200] * 4


async def test_where_many_sockets_are_kept_no_other_is(place, autojump_clock, monkeypatch):
    """They would keep out whoever comes with one, since all of them count."""
    monkeypatch.setattr("trio_gateway.gateway.nodes.node.SPARE_SOCKETS", 4)
    heads = []
    for _ in range(3):
        peer = place.wire()
        await peer.write(http_request("/a"))
        heads.append((await peer.read_response())[2].lower())

    assert ["connection: close" in head for head in heads] == [False, True, True]


async def test_a_body_of_tiny_chunks_leaves_everybody_else_their_turns(place, autojump_clock):
    peer, turns = place.wire(), 0
    await peer.write(b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    await wait_all_tasks_blocked()

    async def count():
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(count)
        await peer.write(b"1\r\nx\r\n" * 10_000 + b"0\r\n\r\n")
        status, _, _ = await peer.read_response()
        nursery.cancel_scope.cancel()

    assert status == 200
    assert turns >= 10_000 // PIECES_PER_TURN


async def test_a_head_is_refused_without_a_body(place):
    peer = place.wire()
    await peer.write(http_request("/sse", method="HEAD"))
    head = await peer.read_head()

    assert head.startswith("HTTP/1.1 405 ")
    assert await ended(peer) == b""


async def test_a_client_that_leaves_between_two_requests_leaves_nothing(place):
    peer = place.wire()
    await peer.write(http_request("/a"))
    await peer.read_response()
    await peer.stream.aclose()
    await wait_all_tasks_blocked()

    assert not place.node.openings


async def test_while_the_node_drains_no_other_request_follows(place, autojump_clock):
    place.node.draining = True
    peer = place.wire()
    await peer.write(http_request("/a"))

    assert "connection: close" in (await peer.read_response())[2].lower()


async def test_an_answer_that_was_under_way_when_the_drain_began_holds_up_no_stop(autojump_clock):
    asked, answer = trio.Event(), trio.Event()

    async def slow(_scope, _receive, send):
        asked.set()
        await answer.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async with serve_place(application=slow) as place:
        peer = place.wire()
        await peer.write(http_request("/a"))
        await asked.wait()
        place.node.draining = True
        answer.set()
        assert (await peer.read_head()).startswith("HTTP/1.1 204 ")
        assert await ended(peer) == b""

    assert trio.current_time() < KEEP_ALIVE_SECONDS / 10


async def test_an_application_that_breaks_is_an_internal_error_in_the_log(place, autojump_clock):
    peer = place.wire()
    with capture_logs() as lines:
        await peer.write(http_request("/broken") + http_request("/a"))
        head = await peer.read_head()
        body = await peer.read_response()

    assert head.startswith("HTTP/1.1 500 Internal Server Error\r\n")
    assert body[1] == {"asked": "GET /a", "length": 0}
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["a request failed"]


async def test_an_answer_that_breaks_off_ends_the_link(place, autojump_clock):
    peer = place.wire()
    await peer.write(http_request("/cut") + http_request("/a"))

    assert await ended(peer) == b""


async def test_a_request_for_no_endpoint_is_no_clients_connection(place):
    other = await place.dial()
    await place.wire().write(http_request("/a"))
    await wait_all_tasks_blocked()

    assert (len(place.node.connections), place.node.admitted) == (1, 1)
    assert (await other.ask(type="send", to="7", data=1))["type"] == "ok"


async def test_the_application_finds_the_request_as_it_was_parsed():
    seen = []

    async def look(scope, _receive, send):
        seen.append(scope["extensions"][REQUEST].read())
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async with serve_place(application=look) as place:
        peer = place.wire()
        await peer.write(http_request("/ack?user=7&device=a", b"{}", headers=[("Authorization", "Bearer t")]))
        await peer.read_head()

    assert (seen[0].path, seen[0].query) == ("/ack", {"user": ("7",), "device": ("a",)})
    assert seen[0].headers["authorization"] == "Bearer t"


@given(cuts=st.lists(st.integers(0, 120), max_size=5), bodies=st.lists(st.binary(max_size=20), min_size=1, max_size=3))
def test_requests_are_answered_alike_in_whatever_cuts_they_come(cuts, bodies):
    async def run():
        async with serve_place(application=application) as place:
            peer = place.wire()
            stream = b"".join(http_request("/a", body) for body in bodies)
            for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(stream)], strict=True):
                if stream[start:end]:
                    await peer.write(stream[start:end])
                    await trio.testing.wait_all_tasks_blocked()
            return [(await peer.read_response())[1]["length"] for _ in bodies]

    assert trio.run(run) == [len(body) for body in bodies]
