"""Every client's end reaches the back end, also that of a killed process's clients, and of those whose end came while it was away."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager

from broker.valkey import running
from e2e.gateway_process import serving, until
from e2e.stock_client import dial
from hooks.http_server import Application
from hooks.http_server import serving as serving_application

CLIENTS = 30


def options(directory, url):
    """Write a configuration in which a node is missed as soon as may be."""
    directory.mkdir(exist_ok=True)
    config = directory / "gateway.toml"
    config.write_text(
        f'insecure = true\npresence_ttl = "3s"\ndrain_seconds = 0\n[hooks.disconnected]\nurl = "{url}/disconnected"\n'
    )
    return ("--config", str(config))


@asynccontextmanager
async def clients(gateway, users):
    """Connect a client for each user; gives their ids."""
    async with AsyncExitStack() as stack:
        links = [await stack.enter_async_context(dial(gateway.url(user=user))) for user in users]
        yield {link.hello["client"] for link in links}


def heard(application):
    return {each["client"]: each for each in application.asked.get("disconnected", [])}


async def test_the_clients_of_a_killed_node_are_told_by_the_other(tmp_path, store):
    application = Application()
    with running(store) as valkey:
        async with serving_application(application) as url:
            first, second = tmp_path / "first", tmp_path / "second"
            shared = ("--redis-url", valkey.url)
            async with (
                serving(second, *options(second, url), *shared) as survivor,
                serving(first, *options(first, url), *shared) as killed,
                clients(survivor, ["stays"]),
                clients(killed, [f"{number}" for number in range(CLIENTS)]) as ids,
            ):
                killed.kill()
                await until(lambda: heard(application).keys() >= ids)
                told = heard(application)

    assert told.keys() == ids
    assert {(each["code"], each["reason"]) for each in told.values()} == {(1006, "connection lost")}
    assert {each["user"] for each in told.values()} == {f"{number}" for number in range(CLIENTS)}
    assert len({each["node"] for each in told.values()}) == 1


async def test_a_single_node_that_is_killed_tells_when_it_is_back(tmp_path):
    application = Application()
    async with (
        serving_application(application) as url,
        serving(tmp_path, *options(tmp_path, url), "--appendfsync", "always") as gateway,
        clients(gateway, ["7", "8"]) as ids,
    ):
        gateway.kill()
        await gateway.start()
        await until(lambda: heard(application).keys() >= ids)


async def test_ends_that_came_while_the_back_end_was_away_are_told_when_it_is_back(tmp_path):
    application = Application()
    application.answers["disconnected"] = broken
    async with (
        serving_application(application) as url,
        serving(tmp_path, *options(tmp_path, url)) as gateway,
    ):
        async with clients(gateway, ["7", "8"]) as ids:
            pass
        await until(lambda: len(application.asked.get("disconnected", [])) >= 2)
        application.asked.clear()
        application.answers["disconnected"] = {}
        await until(lambda: heard(application).keys() >= ids)
        assert {each["code"] for each in heard(application).values()} == {3000}


async def broken():
    raise ZeroDivisionError
