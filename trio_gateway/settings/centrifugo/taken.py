"""Which option of Centrifugo becomes which of ours, and how its value is read: one table."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import attrs

from trio_gateway.settings.centrifugo import values
from trio_gateway.settings.kind import Kind
from trio_gateway.settings.kinds import COUNT
from trio_gateway.settings.namespaces import ChannelRules
from trio_gateway.settings.option import options_of


@attrs.frozen
class Taken:
    """Translate one option of Centrifugo, named with dots.

    Where two of theirs are one of ours, `join` makes one value of both. `unset` are values that say
    as much as none.
    """

    name: str
    option: str
    kind: Kind = values.AS_IS
    join: Callable[[Any, Any], Any] | None = None
    unset: tuple[Any, ...] = ()


TAKEN = (
    Taken("http_server.address", "host"),
    Taken("http_server.port", "port"),
    Taken("http_server.internal_address", "admin_host"),
    Taken("http_server.internal_port", "admin_port"),
    Taken("log.level", "log_level", values.LEVEL),
    Taken("shutdown.timeout", "drain_seconds", values.DURATION),
    Taken("engine.redis.prefix", "redis_prefix"),
    Taken("engine.redis.presence_ttl", "presence_ttl", values.DURATION),
    Taken("client.insecure", "insecure"),
    Taken("client.allowed_origins", "allowed_origins"),
    Taken("client.token.hmac_secret_key", "token_secret"),
    Taken("client.token.hmac_previous_secret_key", "token_previous_secret"),
    Taken("client.token.rsa_public_key", "token_public_keys", values.PUBLIC_KEY, operator.add),
    Taken("client.token.ecdsa_public_key", "token_public_keys", values.PUBLIC_KEY, operator.add),
    Taken("client.token.jwks_public_endpoint", "token_jwks_url"),
    Taken("client.token.audience", "token_audience"),
    Taken("client.token.issuer", "token_issuer"),
    Taken("client.token.user_id_claim", "token_user_claim"),
    Taken("client.subscription_token.hmac_secret_key", "subscription_token_secret"),
    Taken("client.allow_anonymous_connect_without_token", "allow_anonymous_connect_without_token"),
    Taken("client.disallow_anonymous_connection_tokens", "disallow_anonymous_connection_tokens"),
    Taken("client.ping_interval", "ping_seconds", values.DURATION),
    Taken("client.pong_timeout", "pong_seconds", values.DURATION),
    Taken("client.stale_close_delay", "handshake_seconds", values.DURATION),
    Taken("client.expired_close_delay", "token_grace_seconds", values.DURATION, min),
    Taken("client.expired_sub_close_delay", "token_grace_seconds", values.DURATION, min),
    Taken("client.channel_limit", "max_channels"),
    Taken("client.connection_limit", "max_connections", unset=(0,)),
    Taken("client.user_connection_limit", "max_connections_per_user"),
    Taken("client.history_max_publication_limit", "max_recovery", COUNT, max),
    Taken("client.recovery_max_publication_limit", "max_recovery", COUNT, max),
    Taken("websocket.message_size_limit", "max_frame_size"),
    Taken("websocket.write_timeout", "write_seconds", values.DURATION),
    Taken("channel.max_length", "max_channel_length"),
    Taken("http_api.key", "api_keys", values.ONE),
    Taken("http_api.insecure", "api_insecure"),
)

REDIS = "engine.redis."
TLS = f"{REDIS}tls."
FILES = {"server_ca_pem": "ssl_ca_certs", "cert_pem": "ssl_certfile", "key_pem": "ssl_keyfile"}
"""Files of the `tls` object; each may also end in `_file`. What redis-py calls it in a URL stands beside it."""

STORE = (
    "engine.type",
    *(REDIS + name for name in ("address", "user", "password", "db")),
    *(TLS + name for name in ("enabled", *FILES, *(f"{name}_file" for name in FILES))),
)
"""Of which `redis_url` is made."""

CHANNEL = (
    "channel.without_namespace",
    "channel.namespaces",
    "channel.history_meta_ttl",
    "channel.publication_data_format",
)
"""Of which the rules of channels are made."""

SWITCH = "client.subscription_token.enabled"
"""Without it Centrifugo does not look at the options beside it."""

IN_NAMESPACES = tuple(field.name for field, _option in options_of(ChannelRules) if field.name != "max_behind")
"""Options of a namespace, which have the same names there and here; `max_behind` is ours alone."""

DEFAULTS: dict[str, Any] = {"client.pong_timeout": "8s"}
"""What Centrifugo takes where its file is silent, where that matters to its clients; for the rest our defaults hold."""

CHANNEL_DEFAULTS: dict[str, Any] = {"history_size": 0, "history_ttl": 0}
"""The same for a namespace."""
