"""A real Valkey for what only it can show, and our functions on it."""

from __future__ import annotations

import itertools

import pytest

from tests.broker.redis.functions import Functions
from tests.broker.valkey import running

numbers = itertools.count()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory):
    with running(tmp_path_factory.mktemp("valkey")) as valkey:
        yield valkey


@pytest.fixture(scope="session")
def client(valkey):
    with valkey.client() as client:
        yield client


@pytest.fixture
def functions(client):
    return Functions(client, f"test-{next(numbers)}").load()
