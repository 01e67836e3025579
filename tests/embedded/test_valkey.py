"""The embedded Valkey, with the real binary."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import redis

from tests.embedded.running_valkey import client_of, is_alive, running, until
from trio_gateway.embedded.ownership import own_directory
from trio_gateway.embedded.valkey import EmbeddedValkey
from trio_gateway.model.errors import ConfigurationError, StartFailed

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")

GATEWAY = """
import sys, trio
from pathlib import Path
from trio_gateway.embedded.valkey import EmbeddedValkey

async def main():
    valkey = EmbeddedValkey(Path(sys.argv[1]))
    async with trio.open_nursery() as nursery:
        url = await nursery.start(valkey.serve)
        print(valkey.health().pid, url, flush=True)

trio.run(main)
"""


@pytest.fixture
def short():
    """Give a directory with a path that is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="tg-", dir="/tmp") as directory:
        yield Path(directory)


@pytest.fixture
def data_dir(short):
    return short / "data"


ORPHANING_GATEWAY = """
import subprocess, sys, trio
from pathlib import Path
from trio_gateway.embedded.binary import find_binary
from trio_gateway.embedded.options import server_options
from trio_gateway.embedded.ownership import note_pid, own_directory
from trio_gateway.embedded.question import is_answering
from trio_gateway.settings.data_directory import make_socket_path

async def main():
    data_dir = Path(sys.argv[1])
    socket = make_socket_path(data_dir)
    command = [await find_binary(), *server_options(data_dir, socket, "always")]
    async with own_directory(data_dir, socket) as lock:
        valkey = subprocess.Popen(command, pass_fds=(lock,), cwd=data_dir, stdout=subprocess.DEVNULL)
        note_pid(lock, valkey.pid)
        while not await is_answering(socket):
            await trio.sleep(0.02)
        print(valkey.pid, f"unix://{socket}", flush=True)
        sys.stdin.read()

trio.run(main)
"""
"""As on a system without a parent's death signal."""


@pytest.fixture
def orphan(data_dir):
    """Give the pid and the URL of a Valkey whose gateway was killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", ORPHANING_GATEWAY, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    pid, url = process.stdout.readline().split()
    process.kill()
    process.communicate()
    yield int(pid), url
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(pid), signal.SIGKILL)


@pytest.fixture
def gateway(data_dir):
    """Give a process that runs an embedded Valkey, the Valkey's pid, and its URL."""
    process = subprocess.Popen(
        [sys.executable, "-c", GATEWAY, str(data_dir)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    pid, url = process.stdout.readline().split()
    yield process, int(pid), url
    process.kill()
    process.wait()
    process.stdout.close()


async def test_it_answers_when_it_reports_started_and_is_gone_when_it_was_stopped(data_dir):
    async with running(data_dir) as (valkey, url):
        with client_of(url) as client:
            assert client.ping()
            assert client.info("server")["process_id"] == valkey.health().pid
    assert not valkey.health().running
    assert valkey.health().pid is None


async def test_what_was_written_is_there_after_a_stop_and_a_start(data_dir):
    async with running(data_dir) as (_, url):
        with client_of(url) as client:
            client.set("a", "1")
    async with running(data_dir) as (_, url):
        with client_of(url) as client:
            assert client.get("a") == b"1"


async def test_it_keeps_to_the_options_that_the_promises_need(data_dir):
    async with running(data_dir, appendfsync="always") as (_, url):
        with client_of(url) as client:
            told = client.config_get("*")
        assert stat.S_IMODE((data_dir / "valkey.sock").stat().st_mode) == 0o700
    assert told["appendonly"] == "yes"
    assert told["appendfsync"] == "always"
    assert told["maxmemory-policy"] == "noeviction"
    assert told["save"] == ""
    assert told["port"] == "0"
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700


async def test_a_crash_is_healed_and_counted_and_the_data_is_there(data_dir):
    async with running(data_dir, appendfsync="always") as (valkey, url):
        with client_of(url) as client:
            client.set("a", "1")
        before = valkey.health()
        os.kill(before.pid, signal.SIGKILL)
        await until(lambda: valkey.health().running and valkey.health().pid != before.pid)
        assert valkey.health().restarts == 1
        assert valkey.health().since >= before.since
        await until(lambda: answers(url))
        with client_of(url) as client:
            assert client.get("a") == b"1"


async def test_a_second_gateway_on_the_same_directory_is_refused_in_one_line(data_dir):
    async with running(data_dir) as (_, url):
        with pytest.raises(StartFailed, match=f"another gateway .pid {os.getpid()}. runs on {data_dir}") as refusal:
            await EmbeddedValkey(data_dir).serve()
        assert "\n" not in str(refusal.value)
        with client_of(url) as client:
            assert client.ping()


@linux
async def test_valkey_ends_soon_after_its_gateway_was_killed(gateway):
    process, pid, _ = gateway
    process.kill()
    await until(lambda: not is_alive(pid))


async def test_an_orphan_is_ended_and_its_data_taken_over(data_dir, orphan):
    pid, url = orphan
    with client_of(url) as client:
        client.set("a", "1")
    async with running(data_dir) as (_, url):
        assert not is_alive(pid)
        with client_of(url) as client:
            assert client.get("a") == b"1"


async def test_an_orphan_that_does_not_end_is_named_and_left_alone(data_dir, orphan):
    pid, url = orphan
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(StartFailed, match=f"pid {pid}. still runs on {data_dir}"):
        async with own_directory(data_dir, data_dir / "valkey.sock", patience=0.3):
            pass
    os.kill(pid, signal.SIGCONT)
    await until(lambda: answers(url) or not is_alive(pid))


async def test_ctrl_c_reaches_the_gateway_which_then_stops_valkey(data_dir, gateway):
    process, pid, _ = gateway
    os.killpg(process.pid, signal.SIGINT)
    await until(lambda: process.poll() is not None)
    assert not is_alive(pid)
    words = (data_dir / "valkey.log").read_text()
    assert "SIGTERM" in words
    assert "SIGINT" not in words


async def test_a_server_that_ends_at_once_is_quoted_in_one_line(data_dir):
    async with running(data_dir) as (_, url):
        with client_of(url) as client:
            client.set("a", "1")
    for file in (data_dir / "appendonlydir").glob("*.manifest"):
        file.write_text("nonsense\n")
    with pytest.raises(StartFailed, match=r"the embedded Valkey did not start: .*manifest") as failure:
        await EmbeddedValkey(data_dir).serve()
    assert "\n" not in str(failure.value)


async def test_a_path_too_long_for_a_socket_is_no_hindrance(tmp_path, short, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    data_dir = tmp_path / ("d" * 120)
    async with running(data_dir) as (_, url):
        with client_of(url) as client:
            assert client.set("a", "1")
    assert (data_dir / "appendonlydir").is_dir()


async def test_a_path_with_every_kind_of_character_is_no_hindrance(short):
    data_dir = short / """a 'b' "c" \\ %20 #é"""
    async with running(data_dir) as (_, url):
        with client_of(url) as client:
            assert client.set("a", "1")
    assert (data_dir / "appendonlydir").is_dir()


async def test_a_data_directory_that_is_a_file_is_the_operators_fault(tmp_path):
    (tmp_path / "data").write_text("")
    with pytest.raises(ConfigurationError, match="--data-dir"):
        await EmbeddedValkey(tmp_path / "data").serve()


def answers(url):
    with client_of(url) as client:
        try:
            return client.ping()
        except redis.RedisError:
            return False
