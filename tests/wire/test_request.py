"""A request head is read from any cuts, and refused where two readers could take it differently."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.wire.refusal import RequestRefused
from trio_gateway.wire.request import MAX_HEAD_SIZE, HeadReader, Request, parse_request

GET = "GET / HTTP/1.1"


def head(request_line="POST /emulation?a=1&b=%20 HTTP/1.1", *extra, host="example.com:8000"):
    hosts = [] if host is None else [("Host", host)]
    return "\r\n".join([request_line, *(f"{name}: {value}" for name, value in [*hosts, *extra]), "", ""]).encode()


def refusal(request_head):
    with pytest.raises(RequestRefused) as caught:
        parse_request(request_head)
    return caught.value


def test_a_request_shows_what_it_asks_for():
    request = parse_request(head("GET /sse?user=7&since=e%3A1 HTTP/1.1", ("Origin", "https://example.com")), b"more")

    assert (request.method, request.target, request.path) == ("GET", "/sse?user=7&since=e%3A1", "/sse")
    assert (request.version, request.rest) == (b"1.1", b"more")
    headers = {"host": "example.com:8000", "origin": "https://example.com"}
    query = {"user": ("7",), "since": ("e:1",)}
    assert request.read() == Request("/sse", query, headers, "example.com:8000", "https://example.com", ())


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("http://other.example:80/sse?user=7", "/sse", {"user": ("7",)}),
        ("HTTPS://other.example:80", "/", {}),
        ("http://other.example:80?user=7", "/", {"user": ("7",)}),
    ],
)
def test_a_target_with_its_host_is_the_same_request_and_that_host_counts(target, path, query):
    request = parse_request(head(f"GET {target} HTTP/1.1")).read()

    assert (request.path, request.query, request.host) == (path, query, "other.example:80")


def test_what_it_shows_of_itself_holds_no_token():
    request = parse_request(head("GET /sse?token=SECRET HTTP/1.1"))

    assert "SECRET" not in f"{request!r} {request.read()!r}"


def test_a_client_of_http_1_0_may_name_no_host():
    request = parse_request(head("GET / HTTP/1.0", host=None))

    assert (request.version, request.host) == (b"1.0", "")


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (head(host=None), 400),
        (head(host="a b"), 400),
        (head(host="ä"), 400),
        (head("GET / HTTP/2.0"), 505),
        (head("GET / HTTP/9.9"), 505),
        (head("GET http://a b/ HTTP/1.1"), 400),
        (head("GET http:///a HTTP/1.1"), 400),
        (head("GET http://a/#b HTTP/1.1"), 400),
        (head("GET example.com:80 HTTP/1.1"), 400),
        (head("GET * HTTP/1.1"), 400),
        (head("GET /#a HTTP/1.1"), 400),
        (head("G\tT / HTTP/1.1"), 400),
        (head("GET / HTTP/1.1", ("Content-Length", "1"), ("Transfer-Encoding", "chunked")), 400),
        (head("GET / HTTP/1.1", ("Content-Length", "1"), ("Content-Length", "2")), 400),
        (head("GET / HTTP/1.1", ("Content-Length", "-1")), 400),
        (head("GET / HTTP/1.1", ("Authorization", "a"), ("authorization", "b")), 400),
        (head("GET / HTTP/1.1", ("Last-Event-ID", "a"), ("Last-Event-ID", "b")), 400),
        (head().replace(b"\r\n", b"\n"), 400),
    ],
)
def test_what_can_be_read_in_two_ways_or_in_none_is_refused(request_head, status):
    assert refusal(request_head).status == status


@pytest.mark.parametrize("query", ["%", "%zz", "%ff", "&".join(f"a{number}" for number in range(65))])
def test_a_malformed_query_is_refused_where_it_is_read(query):
    request = parse_request(head(f"GET /sse?{query} HTTP/1.1"))

    with pytest.raises(RequestRefused) as caught:
        request.read()
    assert caught.value.status == 400


def test_the_parser_goes_on_with_the_body():
    request = parse_request(head("POST / HTTP/1.1", ("Content-Length", "3")))
    request.parser.receive_data(b"abcGET")

    assert request.parser.next_event() == h11.Data(data=b"abc")
    assert isinstance(request.parser.next_event(), h11.EndOfMessage)
    assert request.parser.trailing_data == (b"GET", False)


# -- Reading the head


@given(st.integers(1, 40), st.binary(max_size=50))
def test_a_head_may_come_in_any_cuts_and_what_follows_is_kept_apart(size, rest):
    stream = head() + rest
    reader = HeadReader()
    place, found = 0, None
    while found is None:
        found = reader.receive(stream[place : place + size])
        place += size

    assert found == head()
    assert reader.rest + stream[place:] == rest


def test_a_head_of_the_maximum_size_is_taken_and_no_larger_one():
    filling = MAX_HEAD_SIZE - len(head(GET, ("X", "")))
    largest = head(GET, ("X", "x" * filling))

    assert HeadReader().receive(largest + b"rest") == largest
    with pytest.raises(RequestRefused) as caught:
        HeadReader().receive(head(GET, ("X", "x" * (filling + 1))))
    assert caught.value.status == 431


def test_a_head_that_never_ends_is_refused_at_the_maximum_size():
    reader = HeadReader(100)

    assert reader.receive(b"G" * 100) is None
    with pytest.raises(RequestRefused):
        reader.receive(b"G")


@pytest.mark.parametrize("first", [b"\x16\x03\x01\x02\x00", b"\x00", b" GET", b"\n", b"\r\n\r\n", b"\rG"])
def test_what_can_not_become_a_request_is_refused_at_its_first_byte(first):
    with pytest.raises(RequestRefused) as caught:
        HeadReader().receive(first)
    assert caught.value.status == 400


@pytest.mark.parametrize("cuts", [[b"\r\nGET / HTTP/1.1\r\n\r\n"], [b"\r", b"\nGET / HTTP/1.1\r\n\r\n"]])
def test_a_blank_line_that_the_last_request_left_is_passed_over(cuts):
    reader = HeadReader()

    assert [head for cut in cuts if (head := reader.receive(cut))] == [b"GET / HTTP/1.1\r\n\r\n"]


def test_nothing_received_is_no_head():
    assert HeadReader().receive(b"") is None


@pytest.mark.parametrize(("name", "joined"), [("Cookie", "a=1; b=2"), ("X-Any", "a=1, b=2")])
def test_headers_that_come_in_pieces_are_joined_as_their_readers_split_them(name, joined):
    """RFC 9110 §5.3 has a comma; Cookie is no list, and RFC 9113 §8.2.3 has a semicolon for it."""
    head = f"GET /ws HTTP/1.1\r\nHost: a\r\n{name}: a=1\r\n{name}: b=2\r\n\r\n"

    assert parse_request(head.encode()).headers[name.lower()] == joined
