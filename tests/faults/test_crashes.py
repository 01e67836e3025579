"""What is killed under load comes back, and every answered publication arrives: in order, nothing twice."""

from __future__ import annotations

import os
import signal
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio
from broker.valkey import running
from e2e.gateway_process import children, is_alive, serving, until
from faults.link_proxy import link_to
from faults.load import BACK_END, CLIENT, arrive, check_order, loaded, parse


def keeping_all(directory):
    """Write options for inboxes that keep what is published in an outage; by default they keep 1,000."""
    config = directory / "gateway.toml"
    config.write_text("insecure = true\n[inbox]\nhistory_size = 100000\n")
    return ("--config", str(config))


@asynccontextmanager
async def under_load(directory, store, *options, linked=False):
    """Give a Valkey, the link to it, a gateway, the load on it and the device that listens."""
    with running(store, "--appendfsync", "always") as valkey:
        async with (
            link_to(valkey.path) as link,
            serving(
                directory, *(options or ("--insecure",)), "--redis-url", link.url if linked else valkey.url
            ) as gateway,
            loaded(gateway, valkey.url) as (load, device),
        ):
            yield valkey, link, gateway, load, device


async def test_the_gateway_is_killed_twice(tmp_path, store):
    async with under_load(tmp_path, store) as (_valkey, _link, gateway, load, device):
        for _ in range(2):
            gateway.kill()
            await gateway.start()
            await load.grows()

    check_order(load, device)
    assert (device.gaps, load.refused) == ([], [])
    assert device.connects >= 3


@pytest.mark.parametrize("valkey_too", [False, True], ids=["it alone", "its Valkey as well"])
async def test_the_gateway_is_killed_twice_that_embeds_its_valkey(tmp_path, valkey_too):
    """A Valkey that was left alone ends by itself, or the next gateway ends it before it starts its own."""
    valkeys = []
    async with (
        serving(tmp_path, "--insecure", "--appendfsync", "always") as gateway,
        loaded(gateway, f"unix://{gateway.socket}") as (load, device),
    ):
        for _ in range(2):
            (valkey,) = children(gateway.pid)
            valkeys.append(valkey)
            if valkey_too:
                os.kill(valkey, signal.SIGKILL)
            gateway.kill()
            await gateway.start()
            await load.grows()
        alive = [pid for pid in valkeys if is_alive(pid)]

    check_order(load, device)
    assert (device.gaps, load.refused) == ([], [])
    assert device.connects >= 3
    assert len(set(valkeys)) == 2
    assert alive == []


async def test_the_embedded_valkey_is_killed_twice_and_health_tells(tmp_path):
    async with serving(tmp_path, "--insecure", "--appendfsync", "always") as gateway:
        async with loaded(gateway, f"unix://{gateway.socket}") as (load, device):
            for times in (1, 2):
                os.kill((await gateway.health())["valkey"]["pid"], signal.SIGKILL)
                await until(partial(restarted, gateway, times))
                await gateway.wait_ready()
                await load.grows()
        closes = device.connects
        assert await gateway.stop() == 0

    check_order(load, device)
    assert (device.gaps, load.refused) == ([], [])
    assert closes == 1  # clients stayed connected


async def restarted(gateway, times):
    valkey = (await gateway.health())["valkey"]
    return valkey["running"] and valkey["restarts"] == times


async def test_a_valkey_elsewhere_is_killed(tmp_path, store):
    async with under_load(tmp_path, store) as (valkey, _link, gateway, load, device):
        valkey.kill()
        await gateway.turns_red()
        valkey.start()
        await gateway.wait_ready()
        await load.grows()

    check_order(load, device)
    assert (device.gaps, load.refused, device.connects) == ([], [], 1)


async def test_the_link_to_redis_is_cut_for_5_seconds(tmp_path, store):
    async with under_load(tmp_path, store, *keeping_all(tmp_path), linked=True) as (
        _valkey,
        link,
        gateway,
        load,
        device,
    ):
        link.cut()
        await gateway.turns_red()
        before = load.answers(BACK_END)
        await trio.sleep(5)
        meanwhile = load.answers(BACK_END) - before
        link.mend()
        await gateway.wait_ready()
        await load.grows(150)

    check_order(load, device)
    assert (device.gaps, load.refused, device.connects) == ([], [], 1)
    assert meanwhile > 50  # which reached the device all the same
    assert load.unanswered[CLIENT]
    assert not load.unanswered[BACK_END]


async def test_redis_hangs_for_5_seconds(tmp_path, store):
    async with under_load(tmp_path, store) as (valkey, _link, gateway, load, device):
        valkey.pause()
        await gateway.turns_red()
        await trio.sleep(5)
        valkey.resume()
        await gateway.wait_ready()
        await load.grows()

    check_order(load, device)
    assert (device.gaps, load.refused, device.connects) == ([], [], 1)
    assert load.unanswered[CLIENT]


async def test_the_link_stalls_without_a_word(tmp_path, store):
    """Nothing is reset, nothing answers: only deadlines and the probe can tell."""
    async with under_load(tmp_path, store, linked=True) as (_valkey, link, gateway, load, device):
        link.stall()
        await gateway.turns_red()
        link.mend()
        await gateway.wait_ready()
        await load.grows()

    check_order(load, device)
    assert (device.gaps, load.refused, device.connects) == ([], [], 1)
    assert load.unanswered[CLIENT]


async def test_the_functions_are_flushed_and_nobody_notices(tmp_path, store):
    async with under_load(tmp_path, store) as (valkey, _link, gateway, load, device):
        for _ in range(5):
            with valkey.client() as redis:
                redis.function_flush()
            await load.grows()
            assert await gateway.reasons() == []

    check_order(load, device)
    assert (device.gaps, load.refused, device.connects) == ([], [], 1)
    assert not any(load.unanswered.values())


async def test_everything_is_flushed_which_is_a_gap_and_then_everything(tmp_path, store):
    """Three times: what was published before may be gone with the store; what begins afterwards is all there, in order."""
    async with under_load(tmp_path, store) as (valkey, _link, _gateway, load, device):
        for flushes in (1, 2, 3):
            with valkey.client() as redis:
                redis.flushall()
            before = set(load.begun)  # nothing of this process ran in between
            await load.grows()
            load.answered = [(offset, text) for offset, text in load.answered if text not in before]
            await until(lambda flushes=flushes: len(device.gaps) >= flushes)
            epoch, _ = parse(device.gaps[-1]["position"])
            await arrive({text for _, text in load.answered}, device, epoch=epoch)

    check_order(load, device)
    assert (load.refused, device.connects) == ([], 1)
    assert len(device.gaps) == 3
    assert all("from" not in gap and "to" not in gap for gap in device.gaps)
