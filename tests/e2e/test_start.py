"""Starting: a port in use is one line; a store that is away is waited for while clients are told to come back."""

from __future__ import annotations

import contextlib
import socket

import pytest
import trio
from broker.valkey import Valkey
from e2e.gateway_process import GatewayProcess, until
from e2e.stock_client import InvalidStatus, dial
from ports import free_port


@contextlib.contextmanager
def not_started(directory, *options):
    gateway = GatewayProcess(directory, *options)
    try:
        yield gateway
    finally:
        gateway.close()


@pytest.mark.parametrize("option", ["--port", "--admin-port"])
async def test_a_port_in_use_is_exactly_one_line_and_nothing_is_left_running(tmp_path, option):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with not_started(tmp_path, "--insecure", option, str(port)) as gateway:
            gateway.start_nowait()
            code = await gateway.wait()

    assert (code, gateway.output) == (1, "")
    assert gateway.errors.count("\n") == 1
    assert f"port {port} of 127.0.0.1 is in use" in gateway.errors
    assert not gateway.data_dir.exists() or not list(gateway.data_dir.glob("*.pid"))


async def test_the_port_of_a_gateway_that_was_just_killed_is_free(tmp_path):
    with not_started(tmp_path, "--insecure") as gateway:
        await gateway.start()
        async with dial(gateway.url(user="7")):
            gateway.kill()
        await gateway.start()
        async with dial(gateway.url(user="7")):
            pass


async def test_a_redis_that_is_away_at_the_start_is_waited_for(tmp_path):
    with (
        contextlib.closing(Valkey(tmp_path)) as valkey,
        not_started(tmp_path, "--insecure", "--redis-url", valkey.url) as gateway,
    ):
        gateway.start_nowait()
        reasons = await until(gateway.reasons)
        with pytest.raises(InvalidStatus) as refused:
            async with dial(gateway.url(user="7"), patient=False):
                pass
        valkey.start()
        await gateway.wait_ready()

        async with dial(gateway.url(user="7")) as client:
            answer = await client.ask(type="send", to="7", data="at last")
        assert await gateway.stop() == 0

    assert "no connection to" in reasons[0]
    assert refused.value.response.status_code == 503
    assert refused.value.response.headers["Retry-After"] == "1"
    assert answer["type"] == "ok"


async def test_a_signal_while_the_store_is_away_ends_it_soon(tmp_path):
    with not_started(tmp_path, "--insecure", "--redis-url", f"redis://127.0.0.1:{free_port()}") as gateway:
        gateway.start_nowait()
        await until(gateway.reasons)

        with trio.fail_after(25):
            assert await gateway.stop() == 0
    assert "Traceback" not in gateway.errors


async def test_a_redis_without_noeviction_never_becomes_ready(tmp_path):
    with contextlib.closing(Valkey(tmp_path, "--maxmemory-policy", "allkeys-lru")) as valkey:
        valkey.start()
        with not_started(tmp_path, "--insecure", "--redis-url", valkey.url) as gateway:
            gateway.start_nowait()

            async def told():
                return "noeviction" in str(await gateway.reasons())

            await until(told)
