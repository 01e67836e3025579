"""What the README shows works as printed: serve, listen, publish, a stock client, FCALL, Publisher, tokens."""

from __future__ import annotations

import json
import subprocess
from contextlib import asynccontextmanager

import pytest
import trio
from e2e.gateway_process import PROGRAM, serving, until
from e2e.stock_client import InvalidStatus, dial

from trio_gateway.client import connect
from trio_gateway.publisher import AsyncPublisher


@pytest.fixture
async def secured(tmp_path):
    """Give a gateway as `trio-gateway serve` alone makes it: tokens are needed, and a secret was made up."""
    async with serving(tmp_path) as gateway:
        yield gateway


@asynccontextmanager
async def second_terminal(gateway, *arguments):
    """Run a command that stays; gives a way to wait for the next line that it prints."""
    process = await trio.lowlevel.open_process(
        [*PROGRAM, *arguments], env=gateway.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    printed = bytearray()

    async def next_line():
        while b"\n" not in printed:
            part = await process.stdout.receive_some()
            assert part, "the command has ended"
            printed.extend(part)
        line, _, rest = bytes(printed).partition(b"\n")
        printed[:] = rest
        return json.loads(line)

    try:
        yield next_line
    finally:
        process.kill()
        await process.wait()
        await process.stdout.aclose()


async def token_of(gateway, user="7"):
    return (await gateway.run("token", "--user", user)).stdout.decode().strip()


async def test_a_listener_gets_what_the_command_the_function_and_the_publisher_send(secured):
    with trio.fail_after(60):
        async with second_terminal(secured, "listen", "--user", "7", "--device", "phone") as next_line:
            await until(lambda: connected(secured))
            await secured.run("publish", "--user", "7", '{"text": "hi"}')
            with secured.redis() as redis:
                redis.fcall("tg1_publish", 2, "tg:{#7}:m", "tg:{#7}:s", '"from any language"')
            with secured.publisher() as publisher:
                publisher.send_to_user("7", ["from", "Python"])
            async with AsyncPublisher(f"unix://{secured.socket}") as publisher:
                await publisher.send_to_user("7", {"from": "Trio"})

            received = [(await next_line())["data"] for _ in range(4)]

    assert received == [{"text": "hi"}, "from any language", ["from", "Python"], {"from": "Trio"}]


async def connected(gateway):
    return (await gateway.health())["connections"]


@pytest.mark.parametrize("place", ["query", "header", "subprotocol"])
async def test_a_stock_client_shows_its_token_in_each_of_three_places(secured, place):
    token = await token_of(secured)
    query = {"token": token} if place == "query" else {}
    options = {
        "query": {},
        "header": {"additional_headers": {"Authorization": f"Bearer {token}"}},
        "subprotocol": {"subprotocols": ["trio-gateway", token]},
    }[place]

    async with dial(secured.url(**query), **options) as client:
        picked = client.connection.subprotocol
        answer = await client.ask(type="send", to="7", data={"text": "to myself"})

    assert client.hello["user"] == "7"
    assert picked == ("trio-gateway" if place == "subprotocol" else None)
    assert (answer["type"], answer["offset"]) == ("ok", 1)


@pytest.mark.parametrize("query", [{}, {"user": "7"}, {"token": "not.a.token"}])
async def test_who_shows_no_good_token_is_refused_with_401_and_json(secured, query):
    with pytest.raises(InvalidStatus) as refused:
        async with dial(secured.url(**query)):
            pass

    assert refused.value.response.status_code == 401
    assert json.loads(refused.value.response.body)["code"] == 101


async def test_our_client_and_a_stock_one_talk_to_each_other(gateway):
    async with dial(gateway.url(user="8")) as stock:
        with trio.fail_after(30):
            async with connect(gateway.url(), user="7", device="phone") as inbox:
                offset = await inbox.send("8", "hello 8")
                heard = await stock.receive("message")
                await stock.ask(type="send", to="7", data="hello 7")
                answered = await anext(inbox)

    assert (heard["data"], heard["from"], heard["offset"]) == ("hello 8", "7", offset)
    assert (answered.data, answered.sender) == ("hello 7", "8")


async def test_ping_says_ready_and_says_why_not_when_nobody_serves(gateway):
    ready = await gateway.run("ping")
    await gateway.stop()
    gone = await gateway.run("ping", check=False)

    assert (ready.returncode, ready.stdout) == (0, b"ready\n")
    assert (gone.returncode, gone.stdout, gone.stderr.count(b"\n")) == (1, b"", 1)


async def test_what_serve_prints_can_be_pasted(secured):
    """Each line of the banner runs as it stands."""
    await until(lambda: "  publish " in secured.output)  # health may be a moment faster
    lines = [line.split(None, 1)[1] for line in secured.output.splitlines() if line.startswith("  publish ")]
    scripts = 'PATH=$(dirname "$PYTHON"):$PATH\n' + "\n".join(lines)
    environment = secured.environment | {"PYTHON": PROGRAM[0]}

    done = await trio.run_process(["bash", "-ec", scripts], env=environment, capture_stdout=True)

    assert done.stdout.strip().endswith(b":1")
