"""Flags are made from the options, and win over the environment and the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cyclopts import App

from trio_gateway.cli.flags import settings_of, takes_flags
from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.loader import flag_name
from trio_gateway.settings.option import options_of
from trio_gateway.settings.settings import Settings


def settings_for(*arguments: str, names: tuple[str, ...] = ()) -> Settings:
    app = App()

    @app.default
    @takes_flags(*names)
    def command(*, flags: Any = None) -> Settings:
        return settings_of(flags)

    settings = app(list(arguments), exit_on_error=False, print_error=False, result_action="return_value")
    assert isinstance(settings, Settings)
    return settings


def test_without_flags_the_environment_counts(data_dir: Path) -> None:
    assert settings_for() == Settings(data_dir=data_dir)


def test_a_flag_beats_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIO_GATEWAY_PORT", "2")
    assert settings_for("--port", "3").port == 3


def test_a_list_is_a_flag_that_can_be_repeated() -> None:
    settings = settings_for(
        "--allowed-origin", "https://a", "--allowed-origin", "https://b", "--trusted-proxy=10.0.0.1"
    )
    assert settings.allowed_origins == ("https://a", "https://b")
    assert settings.trusted_proxies == ("10.0.0.1/32",)


def test_a_switch_that_the_environment_turned_on_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIO_GATEWAY_INSECURE", "true")
    assert settings_for().insecure
    assert not settings_for("--no-insecure").insecure


def test_a_negative_number_is_the_options_error() -> None:
    with pytest.raises(ConfigurationError, match=r"^--port: expected a port .* not '-1'"):
        settings_for("--port", "-1")


def test_the_file_is_named_by_a_flag_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.toml").write_text("port = 1")
    (tmp_path / "b.toml").write_text("port = 2")
    monkeypatch.setenv("TRIO_GATEWAY_CONFIG", str(tmp_path / "a.toml"))
    assert settings_for().port == 1
    assert settings_for("--config", str(tmp_path / "b.toml")).port == 2


def test_an_unknown_variable_warns_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRIO_GATEWAY_PROT", "1")
    settings_for()
    assert capsys.readouterr().err == (
        "trio-gateway: warning: unknown environment variable TRIO_GATEWAY_PROT; did you mean TRIO_GATEWAY_PORT?\n"
    )


def test_a_command_with_few_flags_still_gets_all_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIO_GATEWAY_ADMIN_PORT", "2")
    assert settings_for("--port", "1", names=("port",)).admin_port == 2


@pytest.mark.parametrize("name", [field.name for field, option in options_of(Settings) if not option.kind.flag])
def test_every_option_is_a_flag(name: str) -> None:
    with pytest.raises((ConfigurationError, AssertionError), match=flag_name(name)):
        settings_for(flag_name(name), "\x00")
