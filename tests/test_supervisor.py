"""The supervisor starts what it can, says what it can't, and ends when it is told to, also while it starts."""

import signal

import pytest
import trio
from captured_logs import capture_logs

from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.settings import Settings
from trio_gateway.supervisor import READY_SECONDS, open_gateway, serve_gateway


@pytest.fixture
def settings(tmp_path):
    """Give settings with a store that is away."""
    url = f"unix://{tmp_path}/nobody.sock"
    return Settings(port=0, admin_port=0, insecure=True, redis_url=url, data_dir=tmp_path)


class Opened:
    """Remember the gateway that was opened."""

    def __init__(self):
        self.gateway = None
        self.event = trio.Event()

    def __call__(self, gateway):
        self.gateway = gateway
        self.event.set()


async def test_where_the_store_is_away_it_opens_after_a_moment_and_knows_why(autojump_clock, settings):
    opened = Opened()
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: serve_gateway(settings, on_open=opened))
        await opened.event.wait()
        waited = trio.current_time() - began
        reasons = opened.gateway.health().broker.reasons
        signal.raise_signal(signal.SIGTERM)

    assert waited >= READY_SECONDS
    assert "No such file or directory" in reasons[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_while_it_waits_for_the_store_ends_it_at_once(autojump_clock, settings, number):
    opened = Opened()
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: serve_gateway(settings, on_open=opened))
        await trio.sleep(READY_SECONDS / 3)
        signal.raise_signal(number)

    assert opened.gateway is None
    assert trio.current_time() - began < READY_SECONDS


async def test_a_signal_while_it_starts_ends_it_at_once(autojump_clock, settings, monkeypatch):
    """Such as while the embedded Valkey reads its data."""

    async def serve_for_ever(*_args, task_status):
        await trio.sleep_forever()

    monkeypatch.setattr("trio_gateway.supervisor.serve_admin", serve_for_ever)
    with capture_logs() as lines:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: serve_gateway(settings, on_open=Opened()))
            await trio.sleep(100)
            signal.raise_signal(signal.SIGTERM)

    assert "stopped while starting" in [line["event"] for line in lines]


@pytest.mark.parametrize("query", ["socket_timeout=x", "ssl_ca_certs=/nowhere.pem"])
async def test_a_redis_url_with_parameters_that_can_not_be_used_is_the_settings_fault(settings, query):
    url = f"rediss://127.0.0.1:1?{query}"
    with pytest.raises(ExceptionGroup) as refusal:
        async with open_gateway(Settings(port=0, admin_port=0, insecure=True, redis_url=url)):
            pytest.fail("the block must not begin")

    assert refusal.group_contains(ConfigurationError, match=r"^--redis-url: ")
