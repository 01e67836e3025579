"""Settings: safe defaults, and every wrong value refused by the option's name."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import attrs
import pytest

from trio_gateway.settings.back_end import BackEndRules, HookRules
from trio_gateway.settings.option import InvalidOption, options_of
from trio_gateway.settings.settings import Settings

PEM = """
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
"""


def test_by_default_only_this_machine_is_served() -> None:
    settings = Settings()
    assert (settings.host, settings.admin_host, settings.insecure) == ("127.0.0.1", "127.0.0.1", False)


@pytest.mark.parametrize(
    ("option", "given", "kept"),
    [
        ("port", "65535", 65_535),
        ("port", 0, 0),
        ("max_connections", "100_000", 100_000),
        ("host", "::1", "::1"),
        ("host", "gateway.internal", "gateway.internal"),
        ("insecure", "yes", True),
        ("insecure", "FALSE", False),
        ("redis_url", "unix:///run/redis.sock", "unix:///run/redis.sock"),
        ("redis_url", "rediss://db:6380/1", "rediss://db:6380/1"),
        ("drain_seconds", "0", 0.0),
        ("drain_seconds", "2m", 120.0),
        ("allowed_origins", "https://a.example, https://*.b.example", ("https://a.example", "https://*.b.example")),
        ("allowed_origins", ["https://a.example"], ("https://a.example",)),
        ("trusted_proxies", ["10.1.2.3/8"], (str(ip_network("10.0.0.0/8")),)),
        ("data_dir", Path("/data"), Path("/data")),
        ("data_dir", "~/data", Path.home() / "data"),
        ("redis_prefix", "tg-2", "tg-2"),
        ("presence_ttl", "3s", 3),
        ("token_public_keys", "a.pem, ~/b.pem", (Path("a.pem"), Path.home() / "b.pem")),
        ("token_public_keys", [PEM, "a.pem"], (PEM.strip(), Path("a.pem"))),
    ],
)
def test_text_and_toml_values_are_read_alike(option: str, given: Any, kept: Any) -> None:
    assert getattr(Settings(**{option: given}), option) == kept


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        ("port", "x"),
        ("port", -1),
        ("port", 65_536),
        ("port", True),
        ("port", 80.5),
        ("port", "٣"),
        ("admin_port", None),
        ("host", ""),
        ("host", "127.0.0.1:80"),
        ("host", "a b"),
        ("host", "http://a"),
        ("redis_url", "http://localhost"),
        ("redis_url", "redis://"),
        ("redis_url", "redis://h:port"),
        ("redis_prefix", "{tg}"),
        ("redis_prefix", ""),
        ("appendfsync", "no"),
        ("insecure", "maybe"),
        ("insecure", 1),
        ("token_secret", ""),
        ("token_secret", "***"),
        ("token_secret", 5),
        ("allowed_origins", "https://a,,https://b"),
        ("allowed_origins", "example.com"),
        ("allowed_origins", 5),
        ("allowed_origins", {"a": 1}),
        ("trusted_proxies", "10.0.0.0/99"),
        ("drain_seconds", "-1"),
        ("drain_seconds", float("nan")),
        ("drain_seconds", float("inf")),
        ("drain_seconds", 10**400),
        ("ping_seconds", 0),
        ("presence_ttl", "2s"),
        ("command_burst", 0),
        ("commands_per_second", -1),
        ("max_connections_per_user", -1),
        ("token_public_keys", [PEM.replace("PUBLIC", "PRIVATE")]),
        ("token_jwks_url", "file:///keys"),
        ("token_algorithms", ["none"]),
        ("ping_seconds", 0.0001),
        ("log_format", "xml"),
        ("log_format", []),
        ("log_level", "INFO"),
        ("max_connections", 0),
        ("max_frame_size", 2**31),
        ("data_dir", 5),
    ],
)
def test_a_wrong_value_is_refused_with_the_options_name_and_what_was_expected(option: str, wrong: Any) -> None:
    with pytest.raises(InvalidOption, match=rf"^{option}: expected ") as caught:
        Settings(**{option: wrong})
    assert caught.value.option == option


def test_a_pong_is_due_before_the_next_ping() -> None:
    with pytest.raises(InvalidOption, match=r"^pong_seconds: expected less than ping_seconds \(5s\), not 10s"):
        Settings(ping_seconds=5)


def test_who_connects_waits_longer_than_the_back_end_may_take() -> None:
    asked = BackEndRules(connect=HookRules(url="http://a/", timeout=10))
    with pytest.raises(InvalidOption, match=r"^handshake_seconds: expected more than the timeout .* \(10s\), not 10s"):
        Settings(back_end=asked)

    assert Settings(back_end=asked, handshake_seconds=11).back_end == asked


@pytest.mark.parametrize("option", ["token_secret", "token_previous_secret", "subscription_token_secret", "api_keys"])
def test_a_secret_is_neither_in_the_repr_nor_in_an_error(option: str) -> None:
    assert "hush" not in repr(Settings(**{option: "hush"}))
    with pytest.raises(InvalidOption) as caught:
        Settings(**{option: "hush\x00"})
    assert "hush" not in str(caught.value)


def test_a_password_in_the_redis_url_is_neither_in_the_repr_nor_in_an_error() -> None:
    assert "redis://me:***@db:6379/0" in repr(Settings(redis_url="redis://me:hush@db:6379/0"))
    with pytest.raises(InvalidOption) as caught:
        Settings(redis_url="http://me:hush@db")
    assert "hush" not in str(caught.value)


def test_every_option_says_what_it_is_for() -> None:
    assert all(option.help.endswith(".") and option.group for _field, option in options_of(Settings))


def test_every_field_but_those_made_of_tables_is_an_option() -> None:
    documented = {field.name for field, _option in options_of(Settings)}
    assert {field.name for field in attrs.fields(Settings)} - documented == {"namespaces", "back_end"}


def test_the_data_directory_is_the_one_given_or_the_platforms(tmp_path: Path) -> None:
    assert Settings(data_dir=tmp_path).data_directory == tmp_path
    assert Settings().data_directory.name == "trio-gateway"
