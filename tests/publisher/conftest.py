"""A real Valkey for all tests of a file, and prefixes of their own, so that none sees another's keys."""

from __future__ import annotations

import itertools

import pytest

from tests.broker.valkey import running

prefixes = (f"p{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def valkey(tmp_path_factory):
    with running(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def own_valkey(tmp_path):
    """A server that a test may stop."""
    with running(tmp_path) as server:
        yield server


@pytest.fixture
def prefix():
    return next(prefixes)


@pytest.fixture
def stored(valkey, prefix):
    """Tell what a channel keeps."""

    def read(channel):
        with valkey.client() as client:
            return [next(iter(body.values())) for _, body in client.xrange(f"{prefix}:{{{channel}}}:s")]

    return read
