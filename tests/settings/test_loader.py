"""The three sources of settings: who beats whom, and how each is told when it is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.loader import load_settings
from trio_gateway.settings.settings import Settings


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "gateway.toml"


def no_warning(line: str) -> None:
    raise AssertionError(line)


def load(
    flags: dict[str, Any] | None = None, environ: dict[str, str] | None = None, toml: Path | None = None
) -> Settings:
    return load_settings(flags, environ, toml, warn=no_warning)


def test_without_any_source_the_defaults_hold() -> None:
    assert load() == Settings()


def test_a_flag_beats_the_environment_and_the_environment_the_file(toml: Path) -> None:
    toml.write_text("port = 1\nadmin_port = 1\nmax_devices = 1")
    settings = load({"port": "3"}, {"TRIO_GATEWAY_PORT": "2", "TRIO_GATEWAY_ADMIN_PORT": "2"}, toml)
    assert (settings.port, settings.admin_port, settings.max_devices) == (3, 2, 1)


@given(*(st.none() | st.integers(1, 65_535) for _ in range(3)))
def test_the_strongest_source_that_gives_a_value_wins(
    tmp_path_factory: pytest.TempPathFactory, flag: int | None, variable: int | None, key: int | None
) -> None:
    toml = tmp_path_factory.getbasetemp() / "gateway.toml"
    toml.write_text("" if key is None else f"port = {key}")
    environ = {} if variable is None else {"TRIO_GATEWAY_PORT": str(variable)}
    given = next((value for value in (flag, variable, key) if value is not None), 8000)
    assert load({"port": flag}, environ, toml).port == given


def test_a_flag_that_was_not_given_hides_nothing() -> None:
    assert load({"port": None}, {"TRIO_GATEWAY_PORT": "2"}).port == 2


def test_the_environment_names_the_file(toml: Path) -> None:
    toml.write_text("port = 1")
    assert load(environ={"TRIO_GATEWAY_CONFIG": str(toml)}).port == 1


def test_the_environments_lists_are_comma_separated() -> None:
    assert load(environ={"TRIO_GATEWAY_ALLOWED_ORIGINS": "https://a, https://b"}).allowed_origins == (
        "https://a",
        "https://b",
    )


def test_an_empty_variable_counts_as_unset() -> None:
    assert load(environ={"TRIO_GATEWAY_REDIS_URL": "", "TRIO_GATEWAY_PORT": ""}) == Settings()


@pytest.mark.parametrize("name", ["TRIO_GATEWAY_PORT", "TRIO_GATEWAY_ADMIN_PORT"])
def test_a_port_that_kubernetes_set_counts_as_unset(name: str) -> None:
    assert load(environ={name: "tcp://10.0.0.1:8000"}) == Settings()


def test_what_kubernetes_sets_beside_a_service_of_that_name_is_no_reason_to_warn() -> None:
    names = ["SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_WS", "PORT_8000_TCP", "PORT_8000_TCP_ADDR"]
    assert load(environ={f"TRIO_GATEWAY_{name}": "x" for name in names}) == Settings()


def test_an_unknown_variable_only_warns_and_names_the_nearest() -> None:
    warnings: list[str] = []
    assert load_settings(environ={"TRIO_GATEWAY_PROT": "1"}, warn=warnings.append) == Settings()
    assert warnings == ["unknown environment variable TRIO_GATEWAY_PROT; did you mean TRIO_GATEWAY_PORT?"]


def test_variables_of_others_are_left_alone() -> None:
    assert load(environ={"PORT": "x", "TRIO_PORT": "x"}) == Settings()


def test_channel_rules_come_from_the_file(toml: Path) -> None:
    toml.write_text("[inbox]\nhistory_size = 5")
    assert load(toml=toml).namespaces.inbox.history_size == 5


@pytest.mark.parametrize(
    ("flags", "environ", "words"),
    [
        ({"port": "x"}, {}, "^--port: expected a port from 0 to 65535"),
        ({"allowed_origins": [""]}, {}, "^--allowed-origin: expected globs"),
        ({"allowed_origins": ["a.b", "c.d"]}, {}, "https://\\*.example.com, not 'a.b, c.d'$"),
        ({}, {"TRIO_GATEWAY_PORT": "x"}, "^TRIO_GATEWAY_PORT: expected"),
        ({"ping_seconds": "5"}, {}, "^pong_seconds: expected less than ping_seconds"),
        ({"pong_seconds": "5m"}, {}, "^--pong-seconds: expected less than ping_seconds"),
        ({"prt": "1"}, {}, "^flags: unknown key prt; did you mean port"),
    ],
)
def test_a_wrong_value_is_told_by_the_name_it_was_given_under(
    flags: dict[str, str], environ: dict[str, str], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        load(flags, environ)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("port = 'x'", "gateway.toml: port: expected a port"),
        ("prot = 1", r"gateway.toml: unknown key prot; did you mean port\?"),
        ("namespaces = 1", "gateway.toml: unknown key namespaces"),
        ("[inbox]\nx = 1", r"gateway.toml: \[inbox\]: unknown key x"),
        ("port = ", "gateway.toml: not a TOML file"),
    ],
)
def test_what_is_wrong_in_the_file_is_told_with_the_files_name(toml: Path, text: str, words: str) -> None:
    toml.write_text(text)
    with pytest.raises(ConfigurationError, match=words):
        load(toml=toml)


def test_a_file_that_is_not_there_is_told(toml: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^--config .*gateway.toml: No such file"):
        load(toml=toml)


def test_a_file_that_is_not_text_is_told(toml: Path) -> None:
    toml.write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="not a TOML file"):
        load(toml=toml)
