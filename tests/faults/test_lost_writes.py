"""A store that lost its last writes never hands out an offset twice, so what follows reaches everybody."""

from __future__ import annotations

import contextlib
import shutil

from broker.valkey import Valkey, running
from e2e.gateway_process import serving, until
from e2e.stock_client import dial
from faults.link_proxy import link_to
from ports import free_port


async def test_a_redis_comes_back_without_its_last_writes_twice(tmp_path, store):
    with running(store, "--appendfsync", "always") as valkey:
        async with (
            serving(tmp_path, "--insecure", "--redis-url", valkey.url) as gateway,
            dial(gateway.url(user="7", device="phone")) as client,
        ):
            offsets = await publish(client, client, "kept", 5)
            shutil.copytree(store, tmp_path / "copy")
            for number in range(2):
                offsets += await publish(client, client, f"lost-{number}", 5)
                valkey.kill()
                shutil.rmtree(store)
                shutil.copytree(tmp_path / "copy", store)
                valkey.start()
                await gateway.wait_ready()
                since = f"{client.hello['position'].partition(':')[0]}:{offsets[-1]}"
                async with dial(gateway.url(user="7", since=since)) as returned:
                    offsets += await publish(client, client, f"after-{number}", 5)
                    again = [(await returned.receive("message"))["data"] for _ in range(5)]
                assert again == [f"after-{number}"] * 5

    assert offsets == sorted(set(offsets))


async def publish(sender, receiver, text, count):
    """Send to user 7, and give the offsets with which the receiver got it."""
    offsets = []
    for _ in range(count):
        answer = await sender.ask(type="send", to="7", data=text)
        assert answer["type"] == "ok", answer
        frame = await receiver.receive()
        assert (frame["type"], frame.get("data")) == ("message", text), frame
        assert frame["offset"] == answer["offset"]
        offsets.append(answer["offset"])
    return offsets


async def test_a_replica_is_promoted_without_the_last_writes_and_the_old_primary_promoted_again(tmp_path, store):
    (tmp_path / "other").mkdir()
    ports = free_port(), free_port()
    with contextlib.ExitStack() as stack:
        first, second = (
            stack.enter_context(running(directory, "--port", str(port), "--repl-diskless-sync-delay", "0"))
            for directory, port in zip((store, tmp_path / "other"), ports, strict=True)
        )
        async with (
            link_to(first.path) as link,
            serving(tmp_path, "--insecure", "--redis-url", link.url) as gateway,
            dial(gateway.url(user="7")) as client,
        ):
            offsets = await publish(client, client, "both have it", 3)
            for new, port in ((second, ports[0]), (first, ports[1])):
                await replicate(new, port)
                promote(new)
                offsets += await publish(client, client, "the old primary alone has it", 3)
                link.target = new.path
                link.cut()
                await gateway.turns_red()
                link.mend()
                await gateway.wait_ready()
                offsets += await publish(client, client, "after the failover", 3)

    assert offsets == sorted(set(offsets))


async def replicate(valkey: Valkey, port: int) -> None:
    """Let it become a replica of the one on the port, and wait until it has everything."""
    with valkey.client() as redis:
        redis.replicaof("127.0.0.1", port)

        def in_step():
            state = redis.info("replication")
            return (
                state["role"] == "slave"
                and state["master_link_status"] == "up"
                and not state["master_sync_in_progress"]
            )

        await until(in_step)
        with valkey.client() as probe:
            await until(lambda: probe.exists("tg:{#7}:s"))


def promote(valkey: Valkey) -> None:
    """Let it be a primary of its own from now on."""
    with valkey.client() as redis:
        redis.replicaof("NO", "ONE")
