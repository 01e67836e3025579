"""One gateway is shared by all tests, so each takes users of its own; `job` runs each test with each program."""

from __future__ import annotations

import itertools

import pytest
import trio
from broker.valkey import running
from e2e.gateway_process import GatewayProcess
from examples.pushing import PROGRAMS, Job, Place

CONFIG = """\
insecure = true
drain_seconds = 0

[inbox]
history_size = 100000
"""


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    with running(tmp_path_factory.mktemp("store"), "--appendfsync", "no") as valkey:
        folder = tmp_path_factory.mktemp("gateway")
        (folder / "gateway.toml").write_text(CONFIG)
        options = ("--redis-url", valkey.url, "--config", str(folder / "gateway.toml"))
        gateway = GatewayProcess(folder, *options)
        try:
            trio.run(gateway.start)
            yield Place(gateway, valkey)
        finally:
            gateway.close()


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """Give a store that no gateway has been connected to."""
    with running(tmp_path_factory.mktemp("empty")) as valkey:
        yield valkey


def command_fixture(name):
    @pytest.fixture(scope="session", name=name)
    def command(tmp_path_factory):
        return PROGRAMS[name](tmp_path_factory.mktemp(name))

    return command


python, node, go = map(command_fixture, PROGRAMS)


@pytest.fixture
def make_job(request, place, tmp_path):
    """Give what makes a job for a program, by its name."""
    numbers = itertools.count()
    jobs = []

    def make(name: str, url: str = place.valkey.url) -> Job:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        jobs.append(Job(request.getfixturevalue(name), folder, url))
        return jobs[-1]

    yield make
    for job in jobs:
        job.close()


@pytest.fixture(params=PROGRAMS)
def job(request, make_job) -> Job:
    return make_job(request.param)
