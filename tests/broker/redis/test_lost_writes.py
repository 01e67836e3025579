"""Offsets are never used twice, whatever the server lost."""

from __future__ import annotations

import itertools
import shutil

import pytest
from ports import free_port
from redis import exceptions

from tests.broker.redis.functions import Functions
from tests.broker.valkey import running


def publish_many(functions, count=5):
    return [functions.publish("#7")[1] for _ in range(count)]


def rises(offsets):
    return all(earlier < later for earlier, later in itertools.pairwise(offsets))


@pytest.fixture
def server(tmp_path):
    with running(tmp_path, "--appendfsync", "always") as valkey:
        yield valkey


def test_a_server_that_lost_its_last_writes_twice_gives_no_offset_twice(server, tmp_path_factory):
    saved = tmp_path_factory.mktemp("saved") / "data"
    with server.client() as client:
        functions = Functions(client, "tg").load()
        offsets = publish_many(functions)
        shutil.copytree(server.directory, saved)
        offsets += publish_many(functions)
    for _ in range(2):
        server.kill()
        shutil.rmtree(server.directory)
        shutil.copytree(saved, server.directory)
        server.start()
        with server.client() as client:
            offsets += publish_many(Functions(client, "tg").load())

    assert len(offsets) == 20
    assert rises(offsets)


def test_a_plain_restart_loses_nothing_and_goes_on_in_the_same_epoch(server):
    with server.client() as client:
        epoch, offset = Functions(client, "tg").load().publish("#7")
    server.kill()
    server.start()

    with server.client() as client:
        functions = Functions(client, "tg")  # the functions are stored as well
        again, later = functions.publish("#7")
        assert (again, functions.read("#7")[2]) == (epoch, [b"%d-0" % offset, b"%d-0" % later])


def test_continuity_after_a_jump_is_told_by_prev(server):
    with server.client() as client:
        Functions(client, "tg").load().publish("#7")
    server.kill()
    server.start()

    with server.client() as client:
        functions = Functions(client, "tg")
        _, offset = functions.publish("#7")
        _, fields = client.xrange(functions.keys.stream("#7"))[-1]
        assert offset > 2**50
        assert fields[b"1"].startswith(b"[1,")


def test_the_offsets_of_a_channel_that_was_only_attached_to_jump_as_well(server):
    with server.client() as client:
        Functions(client, "tg").load().attach("#7")
    server.kill()
    server.start()

    with server.client() as client:
        assert Functions(client, "tg").publish("#7")[1] > 2**50


@pytest.fixture
def pair(tmp_path_factory):
    """Two servers that can replicate each other."""
    ports = [free_port(), free_port()]
    directories = [tmp_path_factory.mktemp(name) for name in ("a", "b")]
    options = [("--port", str(port), "--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0") for port in ports]
    with (
        running(directories[0], *options[0]) as a,
        running(directories[1], *options[1]) as b,
        a.client() as one,
        b.client() as other,
    ):
        yield (one, ports[0]), (other, ports[1])


def follow(replica, port):
    replica.replicaof("127.0.0.1", port)
    while replica.info("replication")["master_link_status"] != "up":
        replica.ping()


def test_promotions_there_and_back_give_no_offset_twice(pair):
    (a, port_a), (b, port_b) = pair
    offsets = publish_many(Functions(a, "tg").load())
    follow(b, port_a)
    offsets += publish_many(Functions(a, "tg"))
    a.wait(1, 5000)
    b.replicaof("NO", "ONE")
    offsets += publish_many(Functions(a, "tg"))  # lost: b has been promoted without them
    follow(a, port_b)
    offsets += publish_many(Functions(b, "tg"))
    b.wait(1, 5000)
    a.replicaof("NO", "ONE")
    offsets += publish_many(Functions(b, "tg"))  # lost as well
    follow(b, port_a)
    offsets += publish_many(Functions(a, "tg"))

    assert len(offsets) == 30
    assert rises(offsets)


def test_a_replica_has_the_functions_and_refuses_to_publish(pair):
    (a, port_a), (b, _) = pair
    Functions(a, "tg").load()
    follow(b, port_a)

    with pytest.raises(exceptions.ReadOnlyError):
        Functions(b, "tg").publish("#7")
