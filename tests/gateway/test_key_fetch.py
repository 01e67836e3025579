"""Keys are fetched by HTTP from a server on a real socket, whatever it answers."""

from __future__ import annotations

import gzip
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio
from session.signing import jwk, jwks, private, signed

from trio_gateway.gateway.admission.key_fetch import MAX_BODY, fetch_keys
from trio_gateway.gateway.admission.key_source import KeySource
from trio_gateway.session.tokens import Verifier
from trio_gateway.settings.settings import Settings

SECONDS = 10
"""For what takes milliseconds, on a loaded machine."""


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


def response(body=b"", status="200 OK", **headers):
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *lines])
    return head.encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def answering(answer):
    """Answer each request with what `answer` makes of its path; gives the URL in front of it, and the heads of all."""
    heads = []

    async def handle(stream):
        head = b""
        while b"\r\n\r\n" not in head:
            head += await stream.receive_some() or b"\r\n\r\n"
        heads.append(head.decode())
        try:
            for part in parts if not isinstance(parts := answer(head.split()[1].decode()), bytes) else [parts]:
                await stream.send_all(part)
        except trio.BrokenResourceError:
            return

    with trio.fail_after(SECONDS):
        async with trio.open_nursery() as nursery:
            (listener,) = await nursery.start(partial(trio.serve_tcp, handle, 0, host="127.0.0.1"))
            yield f"http://127.0.0.1:{listener.socket.getsockname()[1]}", heads
            nursery.cancel_scope.cancel()


async def test_the_body_is_what_comes():
    async with answering(lambda path: response(b"the keys of " + path.encode())) as (url, heads):
        assert await fetch_keys(f"{url}/a?b=c") == b"the keys of /a?b=c"

    assert "application/jwk-set+json" in heads[0]


@pytest.mark.parametrize("status", ["204 No Content", "401 Unauthorized", "404 Not Found", "500 Oops"])
async def test_any_other_status_is_no_answer(status):
    async with answering(lambda path: response(b"{}", status)) as (url, _):
        with pytest.raises(ValueError, match=status[:3]):
            await fetch_keys(url)


def endless():
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"10000\r\n" + b"x" * 65_536 + b"\r\n"


@pytest.mark.parametrize(
    "answer", [lambda _: endless(), lambda _: response(b"x" * (MAX_BODY + 1))], ids=["endless", "long"]
)
async def test_what_is_too_long_is_not_read(answer):
    async with answering(answer) as (url, _):
        with pytest.raises(ValueError, match=str(MAX_BODY)):
            await fetch_keys(url)


async def test_as_much_as_allowed_is_read():
    async with answering(lambda _: response(b"x" * MAX_BODY)) as (url, _):
        assert len(await fetch_keys(url)) == MAX_BODY


async def test_nothing_is_unpacked():
    async with answering(lambda _: response(gzip.compress(b"{}"), Content_Encoding="gzip")) as (url, heads):
        with pytest.raises(ValueError, match="compressed"):
            await fetch_keys(url)

    assert "accept-encoding: identity" in heads[0].lower()


async def test_a_redirect_is_followed():
    async with answering(
        lambda path: response(b"moved") if path == "/new" else response(status="302 Found", Location="/new")
    ) as (url, heads):
        assert await fetch_keys(url) == b"moved"

    assert len(heads) == 2


@pytest.mark.parametrize("location", ["https://127.0.0.1/keys", "file:///etc/passwd", "ftp://127.0.0.1/"])
async def test_a_redirect_to_another_scheme_is_not(location):
    async with answering(lambda _: response(status="301 Moved", Location=location)) as (url, heads):
        with pytest.raises((ValueError, OSError)):
            await fetch_keys(url)

    assert len(heads) == 1


async def test_a_redirect_in_a_circle_ends():
    async with answering(lambda _: response(status="307 Circle", Location="/")) as (url, heads):
        with pytest.raises(ValueError, match="redirects"):
            await fetch_keys(url)

    assert len(heads) == 4


@pytest.mark.parametrize(
    "answer",
    [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", b"\xff" * 1000],
    ids=["nothing", "not HTTP", "half", "garbage"],
)
async def test_what_is_no_answer_is_the_networks_fault(answer):
    async with answering(lambda _: answer) as (url, _):
        with pytest.raises(OSError):
            await fetch_keys(url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/keys", "http://[::1/keys", "http://127.0.0.1:99999/", "http://a" + "b" * 70 + "/"]
)
async def test_where_nobody_is_there_is_no_answer(url):
    with pytest.raises((OSError, ValueError)):
        await fetch_keys(url)


async def test_a_key_that_is_rotated_at_a_real_server_is_found():
    published = [1]
    keys = {number: jwk("p256", number, kid=str(number)) for number in (1, 2)}

    async with answering(lambda _: response(jwks(*(keys[number] for number in published)))) as (url, heads):
        settings = Settings(token_jwks_url=f"{url}/jwks.json")
        judge = Verifier.of(settings)
        source = KeySource.of(settings, judge)
        async with trio.open_nursery() as nursery:
            await nursery.start(source.serve)

            async def user_of(number):
                token = signed(key=private("p256", number), algorithm="ES256", kid=str(number))
                return (await source.check(partial(judge.connection, token))).user

            assert await user_of(1) == "7"
            nursery.cancel_scope.cancel()
        published.append(2)
        async with trio.open_nursery() as nursery:
            # Another source, as if the pause were over.
            source = KeySource.of(settings, judge)
            await nursery.start(source.serve)
            assert await user_of(2) == "7"
            nursery.cancel_scope.cancel()

    assert len(heads) == 2
