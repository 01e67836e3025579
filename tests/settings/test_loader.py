"""The three sources of settings: who beats whom, and how each is told when it is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.loader import load_settings
from trio_gateway.settings.settings import Settings

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["client", "channel", "engine"]) | st.text(), inner)
    ),
)


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "gateway.toml"


@pytest.fixture
def json_file(tmp_path: Path) -> Path:
    return tmp_path / "gateway.json"


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


def test_a_file_of_centrifugo_is_the_weakest_source_too(json_file: Path) -> None:
    json_file.write_text('{"http_server": {"port": 1, "internal_port": "1"}, "websocket": {"message_size_limit": 1}}')
    settings = load({"port": "3"}, {"TRIO_GATEWAY_PORT": "2", "TRIO_GATEWAY_ADMIN_PORT": "2"}, json_file)
    assert (settings.port, settings.admin_port, settings.max_frame_size) == (3, 2, 1)


def test_the_environment_names_a_file_of_centrifugo_too(json_file: Path) -> None:
    json_file.write_text('{"channel": {"namespaces": [{"name": "news", "presence": true}]}}')
    assert load(environ={"TRIO_GATEWAY_CONFIG": str(json_file)}).namespaces.named["news"].presence


def test_what_a_file_of_centrifugo_says_in_vain_is_one_warning(json_file: Path) -> None:
    json_file.write_text('{"admin": {"enabled": true}, "client": {"concurrency": 5}}')
    warnings: list[str] = []
    load_settings(toml_path=json_file, warn=warnings.append)
    assert warnings == [f"{json_file}: ignored, as there is nothing like it here: admin, client.concurrency"]


def test_variables_of_centrifugo_are_told_beside_its_file(json_file: Path) -> None:
    json_file.write_text("{}")
    warnings: list[str] = []
    environ = {"CENTRIFUGO_CLIENT_INSECURE": "1", "CENTRIFUGO_SERVICE_HOST": "10.0.0.1"}
    load_settings(environ=environ, toml_path=json_file, warn=warnings.append)
    assert warnings == [
        "not read here: CENTRIFUGO_CLIENT_INSECURE; options of the environment begin with TRIO_GATEWAY_"
    ]
    assert load(environ=environ) == Settings()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "^--config .*gateway.json: not a JSON file"),
        ("[" * 100_000, "^--config .*gateway.json: not a JSON file"),
        ("[]", "gateway.json: expected a JSON object"),
        ('{"http_server": {"port": "x"}}', "^.*gateway.json: http_server.port: expected a port"),
        (
            '{"client": {"ping_interval": "5s"}}',
            "^.*gateway.json: client.pong_timeout: expected less than ping_seconds",
        ),
        ('{"namespaces": []}', "gateway.json: namespaces: is written as for Centrifugo 5"),
        (
            '{"http_server": {"tls": {"enabled": true}}}',
            "gateway.json: http_server.tls.enabled: .*put a proxy in front",
        ),
        (
            '{"client": {"token": {"hmac_secret_key": ["hush"]}}}',
            r"hmac_secret_key: expected text that is not empty, and no \*\*\*$",
        ),
    ],
)
def test_what_is_wrong_in_a_file_of_centrifugo_is_told_with_the_files_name(
    json_file: Path, text: str, words: str
) -> None:
    json_file.write_text(text)
    with pytest.raises(ConfigurationError, match=words):
        load(toml=json_file)


@given(st.text() | JSON.map(json.dumps))
def test_any_file_is_settings_or_one_line_that_names_it(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(text, "utf-8", errors="replace")
    told = str(path)
    try:
        load_settings(toml_path=path, warn=lambda line: None)
    except ConfigurationError as error:
        told = str(error)
    assert str(path) in told
    assert "\n" not in told


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
