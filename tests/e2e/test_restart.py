"""Nothing is missing after a restart, however the gateway ended; and nothing of it stays behind."""

from __future__ import annotations

import os
import signal

import pytest
import trio
from e2e.gateway_process import children, is_alive, serving, until
from e2e.stock_client import ConnectionClosed, dial

from trio_gateway.client import connect


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
async def test_a_device_goes_on_after_its_cursor_when_the_gateway_was_restarted(gateway, end):
    async with dial(gateway.url(user="7", device="phone")) as client:
        with gateway.publisher() as publisher:
            for number in range(6):
                publisher.send_to_user("7", number)
            for number in range(6):
                assert (await client.receive("message"))["data"] == number
        await client.send(type="ack", offset=3)
        assert (await client.ask(type="send", to="nobody", data=0))["type"] == "ok"  # the ack was read before it
        await until(lambda: acknowledged(gateway, "phone") == 3)
        await end_with(gateway, end)

        with pytest.raises(ConnectionClosed):
            await client.receive("none")
    await gateway.start()

    async with dial(gateway.url(user="7", device="phone")) as client:
        again = [await client.receive("message") for _ in range(3)]

    assert client.hello["position"].endswith(":3")
    assert [(message["offset"], message["data"]) for message in again] == [(4, 3), (5, 4), (6, 5)]


async def end_with(gateway, number):
    gateway.signal(number)
    await gateway.wait()


def acknowledged(gateway, device):
    with gateway.redis() as redis:
        return int(redis.hget("tg:{#7}:c", device).split(b":")[1])


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
async def test_our_client_comes_back_by_itself_and_misses_nothing(gateway, end):
    async with connect(gateway.url(), user="7", device="phone") as inbox:
        with gateway.publisher() as publisher:
            publisher.send_to_user("7", "before")
            assert (await anext(inbox)).data == "before"
            publisher.send_to_user("7", "unread")
        await end_with(gateway, end)
        await gateway.start()
        with gateway.publisher() as publisher:
            publisher.send_to_user("7", "after")

        with trio.fail_after(60):
            received = [(await anext(inbox)).data for _ in range(2)]

    assert received == ["unread", "after"]


async def test_what_was_published_is_on_disk_after_a_stop(gateway):
    with gateway.publisher() as publisher:
        position = publisher.send_to_user("7", "kept", id="m1")
    await gateway.stop()
    await gateway.start()

    with gateway.publisher() as publisher:
        repeated = publisher.send_to_user("7", "kept", id="m1")
    async with dial(gateway.url(user="7", since="0")) as client:
        message = await client.receive("message")

    assert repeated == position
    assert (message["offset"], message["data"]) == (position.offset, "kept")


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_leaves_no_valkey_behind_and_no_socket(gateway, end):
    (valkey,) = children(gateway.pid)
    await end_with(gateway, end)

    assert gateway.process.returncode == 0
    assert not is_alive(valkey)
    assert not gateway.socket_exists


async def test_ctrl_c_on_the_whole_process_group_stops_in_order(gateway):
    """A terminal signals every process in the group; the Valkey must outlive the gateway all the same."""
    async with dial(gateway.url(user="7", device="phone")) as client:
        with gateway.publisher() as publisher:
            publisher.send_to_user("7", 1)
        await client.receive("message")
        await client.send(type="ack", offset=1)
        await client.ask(type="send", to="nobody", data=0)
        (valkey,) = children(gateway.pid)

        os.killpg(gateway.pid, signal.SIGINT)
        _frames, code, reason = await client.closed()
    assert (code, reason) == (3001, "shutdown")
    assert await gateway.wait() == 0
    assert "Traceback" not in gateway.errors
    assert not is_alive(valkey)

    await gateway.start()
    assert acknowledged(gateway, "phone") == 1


async def test_a_killed_gateway_takes_its_valkey_along_or_the_next_one_ends_it(gateway):
    (valkey,) = children(gateway.pid)
    gateway.kill()
    await gateway.start()

    await until(lambda: not is_alive(valkey))
    assert children(gateway.pid) != [valkey]


async def test_a_data_directory_in_use_is_one_line(gateway, tmp_path):
    async with dial(gateway.url(user="7")) as client:
        done = await gateway.run("serve", "--insecure", "--port", "0", "--admin-port", "0", check=False)

        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.count(b"\n") == 1
        assert b"another gateway" in done.stderr
        assert (await client.ask(type="send", to="7", data="still here"))["type"] == "ok"


async def test_two_gateways_with_directories_of_their_own_do_not_meet(gateway, tmp_path):
    async with (
        serving(tmp_path / "other", "--insecure") as other,
        dial(gateway.url(user="7")) as here,
        dial(other.url(user="7")) as there,
    ):
        await there.ask(type="send", to="7", data="there")
        await here.ask(type="send", to="7", data="here")

        assert (await here.receive("message"))["data"] == "here"
        assert (await there.receive("message"))["data"] == "there"
