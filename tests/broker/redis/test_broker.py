"""The Redis broker against a real server that is flushed, stopped, killed and demoted."""

from __future__ import annotations

import pytest
import trio
from ports import free_port

from tests.broker.recorder import Recorder
from tests.broker.redis.functions import Functions
from tests.broker.valkey import running, until
from tests.captured_logs import capture_logs
from trio_gateway.broker.broker import Ack, Draft
from trio_gateway.broker.limits import Limits
from trio_gateway.broker.redis import broker as module
from trio_gateway.broker.redis.broker import RedisBroker
from trio_gateway.broker.redis.function_library import REVISION, installation_of, source
from trio_gateway.model.errors import BrokerUnavailable, InvalidChannel
from trio_gateway.model.position import Position
from trio_gateway.settings.namespaces import InboxRules, Namespaces


@pytest.fixture
def server(tmp_path):
    with running(tmp_path, "--appendfsync", "always") as valkey:
        yield valkey


@pytest.fixture
def admin(server):
    with server.client() as client:
        yield client


@pytest.fixture
def listener():
    return Recorder()


def make(server, *, query="", node="one", **options):
    options = {"prefix": "tg", "namespaces": Namespaces(), "limits": Limits()} | options
    return RedisBroker(server.url + query, node=node, **options)


async def ready(broker):
    await until(lambda: not broker.health().reasons)


@pytest.fixture
def quick_upkeep(monkeypatch):
    monkeypatch.setattr(module, "UPKEEP_SECONDS", 0.05)


@pytest.fixture
async def broker(server, listener, nursery):
    broker = make(server)
    await nursery.start(broker.serve, listener)
    await ready(broker)
    return broker


async def red(broker, *, word="", seconds=3.0):
    """Wait until health is red for this reason; 3 s are promised."""
    await until(lambda: any(word in reason for reason in broker.health().reasons), seconds=seconds * 5)


async def test_a_broker_starts_where_the_server_is_away_and_is_ready_when_it_comes(server, nursery, listener):
    server.kill()
    broker = make(server)
    await nursery.start(broker.serve, listener)
    await red(broker, word="no connection to")
    server.start()
    await ready(broker)

    assert (await broker.publish("#7", b"1")).offset == 1


async def test_a_flush_of_the_functions_goes_unnoticed(broker, admin):
    epoch = (await broker.attach("#7", device="phone")).epoch
    for number in range(1, 6):
        admin.function_flush()
        assert (await broker.publish("#7", b"1")).offset == number
        admin.function_flush()
        assert (await broker.read("#7", 0, 10)).top == number
        admin.function_flush()
        await broker.acknowledge([Ack("#7", "phone", Position(epoch, number))])

    assert (await broker.attach("#7", device="phone")).cursor.offset == 5
    assert broker.health().reasons == ()


async def test_many_tasks_that_find_the_functions_missing_load_them_once(broker, admin):
    admin.function_flush()
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            for number in range(100):
                nursery.start_soon(broker.publish, f"#{number}", b"1")

    assert [entry["event"] for entry in logs] == ["function library loaded"]


async def test_a_node_that_replaces_anothers_settings_says_so_and_one_with_the_same_does_not(server, broker, nursery):
    said = []
    for node, size in (("two", 1000), ("three", 5)):
        namespaces = Namespaces(inbox=InboxRules(history_size=size))
        with capture_logs() as logs:
            other = make(server, node=node, namespaces=namespaces)
            await nursery.start(other.serve, Recorder())
            await ready(other)
        said.append([line["event"] for line in logs if line["log_level"] == "warning"])

    assert said == [[], ["channels had other settings by another node; ours count now"]]


async def test_flushing_everything_begins_new_epochs(broker, admin):
    old = await broker.publish("#7", b"1")
    admin.flushall()

    new = await broker.publish("#7", b"1")
    assert (new.offset, new.epoch == old.epoch) == (1, False)


async def test_a_killed_server_turns_health_red_and_publishing_fails_in_time(broker, server):
    server.kill()
    await red(broker)
    with trio.fail_after(10) as scope, pytest.raises(BrokerUnavailable):
        await broker.publish("#7", b"1")

    assert scope.deadline - trio.current_time() > 8
    with pytest.raises(BrokerUnavailable):
        await broker.read("#7", 0, 10)


async def test_a_server_that_hangs_turns_health_red_and_publishing_fails_in_time(broker, server):
    server.pause()
    started = trio.current_time()
    with pytest.raises(BrokerUnavailable):
        await broker.publish("#7", b"1")
    assert trio.current_time() - started < 5  # 2 s are promised
    await red(broker)
    server.resume()
    await ready(broker)

    assert (await broker.publish("#7", b"1")).offset >= 1


async def test_a_server_that_comes_back_is_followed_again_and_the_listener_is_told(broker, server, listener):
    await broker.follow("#7")
    server.kill()
    await red(broker)
    server.start()
    await listener.wait_resumed()
    await ready(broker)
    position = await broker.publish("#7", b"1")

    assert (await listener.wait_hints(1))[0].publication.offset == position.offset


async def test_following_while_the_server_is_away_fails(broker, server):
    server.kill()
    with pytest.raises(BrokerUnavailable):
        await broker.follow("#7")


async def test_a_demoted_server_turns_health_red_for_that_reason(broker, admin):
    admin.replicaof("127.0.0.1", free_port())
    await red(broker, word="replica")
    with pytest.raises(BrokerUnavailable):
        await broker.publish("#7", b"1")
    admin.replicaof("NO", "ONE")
    await ready(broker)


async def test_a_server_that_refuses_writes_turns_health_red_for_that_reason(broker, admin):
    admin.config_set("maxmemory", "1")
    await red(broker, word="out of memory")
    admin.config_set("maxmemory", "0")
    await ready(broker)


async def test_a_server_that_may_evict_is_not_used(server, admin, nursery, listener):
    admin.config_set("maxmemory-policy", "allkeys-lru")
    broker = make(server)
    await nursery.start(broker.serve, listener)
    await red(broker, word="set it to noeviction")
    admin.config_set("maxmemory-policy", "noeviction")
    await ready(broker)


async def test_a_wrong_password_is_told(server, admin, nursery, listener):
    admin.config_set("requirepass", "right")
    broker = make(server)
    await nursery.start(broker.serve, listener)
    await red(broker, word="NOAUTH")


async def test_another_database_with_our_prefix_turns_both_red(quick_upkeep, broker, server, nursery):
    other = make(server, query="?db=1", node="two")
    await nursery.start(other.serve, Recorder())

    await red(other, word="another installation uses")
    await red(broker, word="another installation uses")


async def test_two_nodes_of_one_database_share_the_prefix_and_tell_each_other(broker, server, nursery, listener):
    other = make(server, node="two")
    await nursery.start(other.serve, Recorder())
    await ready(other)
    await broker.follow("#7")
    position = await other.publish("#7", b"1")

    assert (await listener.wait_hints(1))[0].publication.offset == position.offset


async def test_a_newer_library_is_used_as_it_is(server, admin, nursery, listener):
    newer = source({"tg": installation_of(Namespaces(), Limits(max_devices=1))})
    admin.function_load(newer.replace(f"REVISION = {REVISION}", "REVISION = 999"))
    broker = make(server)
    await nursery.start(broker.serve, listener)
    await ready(broker)

    assert admin.fcall("tg1_library", 0)[0] == 999


async def test_an_older_library_that_an_older_node_loaded_is_replaced_while_running(quick_upkeep, broker, admin):
    older = source({"tg": installation_of(Namespaces(), Limits())})
    admin.function_load(older.replace(f"REVISION = {REVISION}", "REVISION = 1"), replace=True)

    await until(lambda: admin.fcall("tg1_library", 0)[0] == REVISION)


async def test_settings_that_a_back_end_guessed_are_replaced_while_running(quick_upkeep, broker, admin):
    admin.function_flush()
    functions = Functions(admin, "tg")
    functions.wanted = installation_of(Namespaces(), Limits(), provisional=True)
    functions.load()

    await until(lambda: functions.settings()["tg"]["provisional"] is False)


async def test_an_entry_of_a_newer_format_is_a_gap_for_who_reads_on(broker, admin):
    epoch = (await broker.publish("#7", b"1")).epoch
    admin.xadd("tg:{#7}:s", {"2": "newer"}, id="2-0")
    admin.hset("tg:{#7}:m", "s", "2")
    await broker.publish("#7", b"3")

    stored = await broker.read("#7", 0, 10)
    assert [(kept.offset, kept.prev) for kept in stored.publications] == [(1, 0), (3, 2)]
    assert [kept.offset for kept in (await broker.read("#7", 1, 1)).publications] == [3]
    assert Position(stored.epoch, stored.top) == Position(epoch, 3)


async def test_a_hint_of_a_newer_format_asks_for_reading(broker, admin, listener):
    await broker.follow("#7")
    admin.publish("tg:{#7}", "2\nwhatever")

    (hint,) = await listener.wait_hints(1)
    assert (hint.channel, hint.publication) == ("#7", None)


async def test_health_measures_the_round_trip_and_the_feeds_age(broker):
    health = broker.health()

    assert 0 < health.round_trip < 5
    assert 0 <= health.feed_age < 5


@pytest.mark.parametrize("wrong", [{"url": "http://x"}, {"prefix": "a{b"}])
def test_a_wrong_url_or_prefix_is_refused_at_once(wrong):
    options = {"url": "redis://", "prefix": "tg", "namespaces": Namespaces(), "limits": Limits(), "node": "n"} | wrong
    with pytest.raises(ValueError):
        RedisBroker(options.pop("url"), **options)


async def test_where_the_store_is_away_each_publication_of_several_is_unknown(nursery, autojump_clock, tmp_path):
    away = RedisBroker(f"unix://{tmp_path}/nobody.sock", prefix="t", namespaces=Namespaces(), limits=Limits(), node="n")
    await nursery.start(away.serve, Recorder())

    results = await away.publish_all([Draft("news", b"1"), Draft("x" * 300, b"2"), Draft("news", b"3")])

    assert [type(result) for result in results] == [BrokerUnavailable, InvalidChannel, BrokerUnavailable]
