"""A document of Centrifugo: what is taken, what stops the start, and that nothing else goes without a word."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.centrifugo.document import Translation, translate
from trio_gateway.settings.centrifugo.refused import REFUSED, SILENT
from trio_gateway.settings.centrifugo.taken import CHANNEL, STORE, TAKEN
from trio_gateway.settings.option import InvalidOption, options_of
from trio_gateway.settings.settings import Settings

PEM = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----"
OTHER_PEM = PEM.replace("MCow", "MFkw")
OWN_SECRET = {"client": {"subscription_token": {"enabled": True, "hmac_secret_key": "s"}}}


def nested(name: str, value: Any) -> dict[str, Any]:
    """Make the document that says one thing."""
    for part in reversed(name.split(".")):
        value = {part: value}
    return value


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {
        key: merged(one[key], other[key])
        if isinstance(one.get(key), dict) and isinstance(other.get(key), dict)
        else other.get(key, one.get(key))
        for key in one | other
    }


def settings_of(translation: Translation) -> Settings:
    values = {name: one.value for name, one in translation.values.items()}
    return Settings(**values, namespaces=translation.namespaces)


def read(*documents: dict[str, Any]) -> Settings:
    document: dict[str, Any] = {}
    for one in documents:
        document = merged(document, one)
    return settings_of(translate(document))


def test_an_empty_document_is_our_settings_but_for_the_defaults_of_its_clients_and_channels() -> None:
    settings = read({})
    rules = settings.namespaces.without_namespace
    assert (settings.pong_seconds, settings.host, settings.port) == (8, "127.0.0.1", 8000)
    assert (rules.history_size, rules.history_ttl, settings.namespaces.named) == (0, 0, {})


@pytest.mark.parametrize(
    ("name", "value", "option", "kept"),
    [
        ("http_server.address", "0.0.0.0", "host", "0.0.0.0"),
        ("http_server.port", 8001, "port", 8001),
        ("http_server.port", "8001", "port", 8001),
        ("http_server.internal_port", "9001", "admin_port", 9001),
        ("http_server.internal_address", "::1", "admin_host", "::1"),
        ("log.level", "trace", "log_level", "debug"),
        ("log.level", "warn", "log_level", "warning"),
        ("log.level", "none", "log_level", "error"),
        ("shutdown.timeout", "30s", "drain_seconds", 30),
        ("client.insecure", True, "insecure", True),
        ("client.allowed_origins", ["https://*.example.com"], "allowed_origins", ("https://*.example.com",)),
        ("client.token.hmac_secret_key", "s", "token_secret", "s"),
        ("client.token.hmac_previous_secret_key", "s", "token_previous_secret", "s"),
        ("client.token.rsa_public_key", PEM + "\n", "token_public_keys", (PEM,)),
        ("client.token.jwks_public_endpoint", "https://id/keys", "token_jwks_url", "https://id/keys"),
        ("client.token.audience", "chat", "token_audience", "chat"),
        ("client.token.issuer", "me", "token_issuer", "me"),
        ("client.token.user_id_claim", "user_id", "token_user_claim", "user_id"),
        ("client.ping_interval", "1m0s", "ping_seconds", 60),
        ("client.pong_timeout", "5s", "pong_seconds", 5),
        ("client.stale_close_delay", "3s", "handshake_seconds", 3),
        ("client.channel_limit", 5, "max_channels", 5),
        ("client.connection_limit", 5, "max_connections", 5),
        ("client.connection_limit", 0, "max_connections", 50_000),
        ("client.user_connection_limit", 5, "max_connections_per_user", 5),
        ("client.history_max_publication_limit", 5, "max_recovery", 5),
        ("websocket.message_size_limit", 5, "max_frame_size", 5),
        ("websocket.write_timeout", "1000ms", "write_seconds", 1),
        ("channel.max_length", 5, "max_channel_length", 5),
        ("http_api.key", "k,l", "api_keys", ("k,l",)),
        ("http_api.insecure", True, "api_insecure", True),
        ("CLIENT.Insecure", True, "insecure", True),
        ("client.insecure", None, "insecure", False),
        ("http_server.address", "", "host", "127.0.0.1"),
    ],
)
def test_what_exists_here_is_taken(name: str, value: Any, option: str, kept: Any) -> None:
    assert getattr(read(nested(name, value)), option) == kept


@pytest.mark.parametrize(
    ("documents", "option", "kept"),
    [
        (
            (nested("client.token.rsa_public_key", PEM), nested("client.token.ecdsa_public_key", OTHER_PEM)),
            "token_public_keys",
            (PEM, OTHER_PEM),
        ),
        (
            (nested("client.expired_close_delay", "9s"), nested("client.expired_sub_close_delay", "5s")),
            "token_grace_seconds",
            5,
        ),
        (
            (
                nested("client.history_max_publication_limit", 5),
                nested("client.recovery_max_publication_limit", 9),
            ),
            "max_recovery",
            9,
        ),
    ],
)
def test_two_options_of_theirs_can_be_one_of_ours(documents: Any, option: str, kept: Any) -> None:
    assert getattr(read(*documents), option) == kept


def test_every_option_that_is_taken_is_one_of_ours() -> None:
    assert {taken.option for taken in TAKEN} <= {field.name for field, _option in options_of(Settings)}


@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: refused.name)
def test_what_would_let_somebody_in_stops_the_start(refused: Any) -> None:
    document = merged(OWN_SECRET, merged(nested("engine.type", "redis"), nested(refused.name, "yes")))
    with pytest.raises(ConfigurationError, match=rf"^{refused.name}: {re.escape(refused.advice)}"):
        translate(document)


@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: refused.name)
@pytest.mark.parametrize("value", [False, None, "", 0])
def test_an_option_that_asks_for_nothing_stops_nothing(refused: Any, value: Any) -> None:
    assert translate(nested(refused.name, value)).ignored == ()


def test_all_reasons_to_stop_are_told_at_once() -> None:
    document = {"client": {"token": {"audience_regex": "a", "issuer_regex": "b"}}}
    with pytest.raises(ConfigurationError, match=r"client.token.audience_regex: .*; client.token.issuer_regex: "):
        translate(document)


def test_a_reason_to_stop_that_a_stronger_source_answers_is_none() -> None:
    assert translate(nested("client.token.audience_regex", "a"), ["token_audience"]).ignored == ()
    assert translate(nested("engine.type", "nats"), ["redis_url"]).ignored == ()


def test_what_a_stronger_source_gives_is_not_looked_at() -> None:
    assert "log_level" not in translate(nested("log.level", "loud"), ["log_level"]).values


def test_a_secret_for_subscription_tokens_counts_only_where_it_is_switched_on() -> None:
    assert read(OWN_SECRET).subscription_token_secret == "s"
    for switch in ({}, nested("client.subscription_token.enabled", False)):
        document = merged(nested("client.subscription_token.hmac_secret_key", "s"), switch)
        assert read(document).subscription_token_secret is None


def test_subscription_tokens_apart_without_a_secret_would_be_taken_with_the_other_keys() -> None:
    document = nested("client.subscription_token.enabled", True)
    with pytest.raises(ConfigurationError, match=r"^client.subscription_token.enabled: .*expected hmac_secret_key"):
        translate(document)
    assert translate(document, ["subscription_token_secret"]).ignored == ()


@pytest.mark.parametrize(
    ("document", "ignored"),
    [
        ({"client": {"queue_max_size": 5, "concurrency": 2}}, ("client.queue_max_size", "client.concurrency")),
        ({"admin": {"enabled": True, "password": "p"}, "pid_file": "x"}, ("admin", "pid_file")),
        ({"consumers": [{"name": "x"}]}, ("consumers",)),
        ({"sse": {"enabled": False, "handler_prefix": "/x"}, "proxies": []}, ()),
        ({"channel": {"publication_data_format": "binary"}}, ("channel.publication_data_format",)),
        ({"engine": {"redis": {"prefix": "x", "io_timeout": "9s"}}}, ()),
        ({"engine": {"type": "redis", "redis": {"io_timeout": "9s"}}}, ("engine.redis.io_timeout",)),
        ({"websocket": {"compression": True}, "health": {"enabled": True}}, ("websocket.compression",)),
        ({"clinet": {"insecure": True}}, ("clinet",)),
        ({"client": {"enabled": False, "queue_max_size": 5}}, ("client.queue_max_size",)),
        ({"a\n\ud800": 1}, (r"'a\n\ud800'",)),
    ],
)
def test_what_has_no_counterpart_is_told_by_name(document: dict[str, Any], ignored: tuple[str, ...]) -> None:
    assert translate(document).ignored == ignored


def test_what_centrifugo_does_anyway_needs_no_word() -> None:
    for name, values in SILENT.items():
        assert all(
            translate(merged(nested("engine.type", "redis"), nested(name, value))).ignored == () for value in values
        )


@pytest.mark.parametrize(
    "document",
    [
        {"token_hmac_secret_key": "s"},
        {"namespaces": [{"name": "news"}]},
        {"engine": "redis"},
        {"admin_password": "p", "client": {}},
        {"port": 8000},
    ],
)
def test_a_file_of_version_5_is_to_be_converted_first(document: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"^\w+: is written as for Centrifugo 5 or older; .*convert it first"):
        translate(document)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "expected a JSON object"),
        (nested("client.ping_interval", 25), "client.ping_interval: expected a duration in quotes with its unit"),
        (nested("client.ping_interval", "-1"), "client.ping_interval: expected a duration"),
        (nested("client.ping_interval", "25"), "client.ping_interval: expected a duration"),
        (nested("log.level", "loud"), "log.level: expected none, trace"),
        (
            nested("client.token.rsa_public_key", PEM.replace("PUBLIC", "PRIVATE")),
            "rsa_public_key: expected a public key",
        ),
        (nested("client.history_max_publication_limit", -1), "limit: expected a whole number"),
    ],
)
def test_a_wrong_value_is_told_by_its_name_there(document: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        translate(document)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["300s", "redis", PEM]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    [taken.name for taken in TAKEN] + [refused.name for refused in REFUSED] + [*STORE, *CHANNEL, *SILENT]
)
SAID = st.dictionaries(NAMES | st.text(max_size=12), ANYTHING, max_size=5)


@given(SAID, ANYTHING)
def test_any_document_is_settings_or_an_error_in_one_line(said: dict[str, Any], more: Any) -> None:
    document: Any = more
    for name, value in said.items():
        document = merged(document if isinstance(document, dict) else {}, nested(name, value))
    told = ""
    try:
        settings_of(translate(document))
    except (ConfigurationError, InvalidOption) as error:
        told = str(error)
    assert "\n" not in told
