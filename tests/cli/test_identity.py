"""Nobody is served who can't be told apart, unless that was wished for."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from trio_gateway.cli.identity import with_api_key, with_identity
from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.data_directory import read_development_api_key
from trio_gateway.settings.settings import Settings


def test_insecure_where_others_can_connect_warns(capsys: pytest.CaptureFixture[str]) -> None:
    with_identity(Settings(host="0.0.0.0", insecure=True))
    assert capsys.readouterr().err.startswith("trio-gateway: warning: --insecure with --host 0.0.0.0")


def test_a_short_secret_warns_without_showing_it(capsys: pytest.CaptureFixture[str]) -> None:
    with_identity(Settings(token_secret="hush"))
    error = capsys.readouterr().err
    assert "shorter than 32 bytes" in error
    assert "hush" not in error


def test_without_identity_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError):
        with_identity(Settings(host="0.0.0.0"))


def test_on_this_machine_a_key_of_the_api_is_made_up_and_kept(data_dir: Path) -> None:
    first = with_api_key(Settings(data_dir=data_dir))
    assert with_api_key(Settings(data_dir=data_dir)).api_keys == first.api_keys
    assert first.api_keys == (read_development_api_key(data_dir),)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(api_keys="a key of my own"),
        Settings(api_insecure=True),
        Settings(admin_host="0.0.0.0"),
        Settings(admin_host="10.0.0.1"),
    ],
)
def test_elsewhere_or_with_a_choice_no_key_is_made_up(settings: Settings, data_dir: Path) -> None:
    assert with_api_key(attrs.evolve(settings, data_dir=data_dir)).api_keys == settings.api_keys
    assert read_development_api_key(data_dir) is None


def test_where_no_key_can_be_kept_the_api_stays_closed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert with_api_key(Settings(data_dir=tmp_path / "file")).api_keys == ()
    assert "warning: the HTTP API stays closed" in capsys.readouterr().err


def test_an_open_api_where_others_reach_it_warns(capsys: pytest.CaptureFixture[str]) -> None:
    with_identity(Settings(insecure=True, api_insecure=True, admin_host="0.0.0.0"))
    assert "warning: --api-insecure with --admin-host 0.0.0.0" in capsys.readouterr().err


def test_a_short_key_of_the_api_warns_without_showing_it(capsys: pytest.CaptureFixture[str]) -> None:
    with_identity(Settings(insecure=True, api_keys="hush"))
    error = capsys.readouterr().err
    assert "a key of the HTTP API is shorter than 32 bytes" in error
    assert "hush" not in error
