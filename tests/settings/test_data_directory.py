"""The data directory: where the socket lies and how the development secret is kept."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings import data_directory
from trio_gateway.settings.data_directory import (
    MAX_SOCKET_PATH,
    default_data_directory,
    make_data_directory,
    make_development_api_key,
    make_development_secret,
    make_socket_path,
    read_development_api_key,
    read_development_secret,
    socket_path,
)


@pytest.fixture
def long_directory(tmp_path: Path) -> Path:
    return tmp_path / ("d" * MAX_SOCKET_PATH)


@pytest.fixture
def runtime(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {"XDG_RUNTIME_DIR": str(tmp_path_factory.mktemp("r"))}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_default_is_the_platforms_place_for_application_data() -> None:
    assert default_data_directory().name == "trio-gateway"


def test_the_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    assert mode(make_data_directory(tmp_path / "new")) == 0o700


def test_a_short_socket_path_lies_in_the_directory(tmp_path: Path, runtime: dict[str, str]) -> None:
    assert make_socket_path(tmp_path, runtime) == socket_path(tmp_path) == tmp_path / "valkey.sock"


def test_a_long_socket_path_lies_in_a_private_directory_elsewhere(
    long_directory: Path, runtime: dict[str, str]
) -> None:
    path = make_socket_path(long_directory, runtime)
    assert path.is_relative_to(runtime["XDG_RUNTIME_DIR"])
    assert len(os.fsencode(path)) <= MAX_SOCKET_PATH
    assert mode(path.parent) == 0o700


def test_a_long_directorys_socket_is_found_through_the_file_in_it(
    long_directory: Path, runtime: dict[str, str]
) -> None:
    path = make_socket_path(long_directory, runtime)
    assert socket_path(long_directory) == path
    assert (long_directory / "socket").read_text().strip() == str(path)


def test_the_private_directory_is_used_again(long_directory: Path, runtime: dict[str, str]) -> None:
    assert make_socket_path(long_directory, runtime) == make_socket_path(long_directory, runtime)


def test_a_private_directory_that_others_may_enter_is_not_used_again(
    long_directory: Path, runtime: dict[str, str]
) -> None:
    first = make_socket_path(long_directory, runtime)
    first.parent.chmod(0o755)
    assert make_socket_path(long_directory, runtime) != first


def test_a_private_directory_that_is_gone_is_made_anew(long_directory: Path, runtime: dict[str, str]) -> None:
    first = make_socket_path(long_directory, runtime)
    first.parent.rmdir()
    assert make_socket_path(long_directory, runtime).parent.is_dir()


def test_where_every_path_is_too_long_it_says_what_to_set(
    long_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_directory, "TEMPORARY_DIRECTORIES", (lambda: str(tmp_path / ("t" * MAX_SOCKET_PATH)),))
    with pytest.raises(ConfigurationError, match="XDG_RUNTIME_DIR"):
        make_socket_path(long_directory, {})


def test_without_a_usable_runtime_directory_the_temporary_one_serves(long_directory: Path) -> None:
    path = make_socket_path(long_directory, {"XDG_RUNTIME_DIR": "/does/not/exist"})
    assert len(os.fsencode(path)) <= MAX_SOCKET_PATH
    path.parent.rmdir()


def test_finding_the_socket_makes_nothing(tmp_path: Path) -> None:
    socket_path(tmp_path / "missing")
    assert not (tmp_path / "missing").exists()


def test_where_none_was_made_there_is_no_development_secret(tmp_path: Path) -> None:
    assert read_development_secret(tmp_path / "missing") is None


def test_the_development_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    secret = make_development_secret(tmp_path / "new")
    assert len(secret) >= 43
    assert make_development_secret(tmp_path / "new") == read_development_secret(tmp_path / "new") == secret


def test_the_development_secret_is_for_its_owner_alone(tmp_path: Path) -> None:
    make_development_secret(tmp_path)
    assert mode(tmp_path / "development-secret") == 0o600


def test_an_empty_file_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "development-secret").touch()
    assert read_development_secret(tmp_path) is None
    assert make_development_secret(tmp_path) == read_development_secret(tmp_path) is not None


def test_two_that_make_the_secret_at_once_get_the_same(tmp_path: Path) -> None:
    together = threading.Barrier(8)
    made: list[str] = []

    def make() -> None:
        together.wait()
        made.append(make_development_secret(tmp_path))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len(set(made)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["development-secret"]


def test_the_development_key_of_the_api_is_another_secret(tmp_path: Path) -> None:
    assert read_development_api_key(tmp_path) is None
    key = make_development_api_key(tmp_path)
    assert make_development_api_key(tmp_path) == read_development_api_key(tmp_path) == key
    assert key != make_development_secret(tmp_path)
    assert mode(tmp_path / "development-api-key") == 0o600


@pytest.mark.parametrize(
    "function", [make_data_directory, make_socket_path, make_development_secret, make_development_api_key]
)
def test_a_directory_that_cannot_be_made_is_the_operators_error(tmp_path: Path, function: object) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"--data-dir .*file"):
        function(tmp_path / "file" / "data")  # type: ignore[operator]
