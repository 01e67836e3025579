"""A connection over reconnects: nothing is sent twice, a short loss is waited for, a long one is told at once."""

from __future__ import annotations

import itertools

import pytest
import trio
from redis import exceptions
from trio.testing import wait_all_tasks_blocked

from tests.broker.redis.fake_server import FakeServer, bulk, usual
from tests.captured_logs import capture_logs
from trio_gateway.broker.redis.address import parse_address
from trio_gateway.broker.redis.connection import Connection
from trio_gateway.broker.redis.handshake import check_memory


@pytest.fixture
def server(nursery):
    return FakeServer(nursery)


@pytest.fixture
def connect(server, nursery):
    async def connect(url="redis://:secret@example.org/2", **options):
        options.setdefault("prepare", check_memory)
        connection = Connection(parse_address(url), "test", open_stream=server.open_stream, **options)
        nursery.start_soon(connection.serve)
        await wait_all_tasks_blocked()
        return connection

    return connect


async def test_the_opening_says_hello_with_password_and_name_and_selects_the_database(server, connect):
    await connect()

    hello, select, *_ = server.commands
    assert hello == [b"HELLO", b"3", b"AUTH", b"default", b"secret", b"SETNAME", b"test"]
    assert select == [b"SELECT", b"2"]


async def test_without_a_password_none_is_sent(server, connect):
    await connect("redis://example.org")

    assert server.commands[0] == [b"HELLO", b"3", b"SETNAME", b"test"]
    assert b"SELECT" not in server.names()


async def test_a_connected_connection_has_no_reason_and_answers(connect):
    connection = await connect()

    assert connection.reason is None
    assert await connection.call("PING") == b"OK"


async def test_a_short_loss_is_waited_for_and_the_command_is_sent_once(server, connect, autojump_clock):
    connection = await connect()
    await server.drop()
    await wait_all_tasks_blocked()

    assert await connection.call("PING") == b"OK"
    assert server.names().count(b"PING") == 1


async def test_in_a_long_outage_a_command_fails_at_once(server, connect, autojump_clock):
    connection = await connect()
    server.refusing = True
    await server.drop()
    await trio.sleep(10)
    started = trio.current_time()

    with pytest.raises(exceptions.ConnectionError, match="refused"):
        await connection.call("PING")
    assert trio.current_time() == started


async def test_what_was_outstanding_on_a_lost_link_fails_and_is_not_sent_again(
    server, connect, nursery, autojump_clock
):
    connection = await connect()
    server.answer = lambda command: b"" if command[0] == b"FCALL" else usual(command)
    results = []

    async def call():
        try:
            await connection.call("FCALL")
        except exceptions.ConnectionError as error:
            results.append(error)

    nursery.start_soon(call)
    await wait_all_tasks_blocked()
    await server.drop()
    await connection.wait_up()
    await trio.sleep(5)
    assert len(results) == 1
    assert server.names().count(b"FCALL") == 1


async def test_a_command_in_an_outage_is_answered_within_two_seconds(server, connect, autojump_clock):
    connection = await connect()
    server.answer = lambda _command: b""
    await server.drop()
    started = trio.current_time()

    with pytest.raises(exceptions.RedisError):
        await connection.call("PING")
    assert trio.current_time() - started < 2


@pytest.mark.parametrize(
    ("command", "answer", "reason"),
    [
        (b"HELLO", b"%1\r\n$4\r\nrole\r\n$7\r\nreplica\r\n", "version 0"),
        (b"HELLO", b"%2\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n$4\r\nrole\r\n$7\r\nreplica\r\n", "connect to the primary"),
        (b"HELLO", b"-WRONGPASS invalid username-password pair\r\n", "WRONGPASS"),
        (b"HELLO", b"-ERR unknown command 'HELLO'\r\n", "unknown command"),
        (b"INFO", bulk(b"maxmemory_policy:allkeys-lru\r\n"), "set it to noeviction"),
        (b"SELECT", b"-ERR DB index is out of range\r\n", "out of range"),
        (b"INFO", b"", "no reply in time"),
    ],
)
async def test_a_server_that_can_not_be_used_says_why(server, connect, autojump_clock, command, answer, reason):
    server.answer = lambda said: answer if said[0] == command else usual(said)
    connection = await connect()
    await trio.sleep(20)

    assert reason in connection.reason
    assert "secret" not in connection.reason


async def test_a_server_that_becomes_usable_is_used(server, connect, autojump_clock):
    server.answer = lambda command: b"-LOADING Redis is loading\r\n" if command[0] == b"INFO" else usual(command)
    connection = await connect()
    await trio.sleep(10)
    assert "LOADING" in connection.reason
    server.answer = usual
    with trio.fail_after(5):
        await connection.wait_up()

    assert connection.reason is None


async def test_an_outage_is_logged_once_and_its_end_once(server, connect, autojump_clock):
    await connect()
    with capture_logs() as logs:
        server.refusing = True
        await server.drop()
        await trio.sleep(60)
        server.refusing = False
        await trio.sleep(10)

    assert [entry["log_level"] for entry in logs] == ["warning", "info"]


async def test_tries_are_at_most_two_seconds_apart(server, connect, autojump_clock):
    await connect()
    tries = []

    async def refuse():
        tries.append(trio.current_time())
        raise ConnectionRefusedError

    server.open_stream = refuse
    connection = Connection(parse_address("redis://"), "test", prepare=check_memory, open_stream=refuse)
    with trio.move_on_after(60):
        await connection.serve()

    waits = [later - earlier for earlier, later in itertools.pairwise(tries)]
    assert max(waits) <= 2
    assert len(tries) >= 30


async def test_a_connect_that_hangs_is_given_up(nursery, autojump_clock):
    async def hang():
        await trio.sleep_forever()

    connection = Connection(parse_address("redis://"), "test", prepare=check_memory, open_stream=hang)
    nursery.start_soon(connection.serve)
    await trio.sleep(2.5)

    assert "no connection within 2 s" in connection.reason


async def test_a_connection_can_be_made_anew(server, connect, autojump_clock):
    connection = await connect()
    connection.reconnect_nowait("the server is a replica now")
    await wait_all_tasks_blocked()
    assert "the server is a replica now" in connection.reason
    with trio.fail_after(5):
        await connection.wait_up()

    assert len(server.streams) == 2
