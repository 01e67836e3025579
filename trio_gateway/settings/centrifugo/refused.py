"""What would let in or show what the operator's file forbids, were it ignored, stops the start; one table says why."""

from __future__ import annotations

from typing import Any

import attrs

from trio_gateway.settings.centrifugo.proxies import SECTIONS
from trio_gateway.settings.centrifugo.values import is_off

SUBSCRIPTIONS_OWN = (
    "subscription tokens have a secret of their own here, and no other options: expected hmac_secret_key alone"
)
STREAMS = "back ends are not asked for streams of a channel here: have them publish in it"
NAMED_PROXIES = "another back end would be asked, as each hook has one here: expected default"
RPC_NAMESPACES = (
    "other methods would be open, as one hook takes all here: expected rpc.without_namespace.proxy_enabled alone"
)
BINARY = "the back end would wait for b64data, as data is JSON here: expected false"
BOUNDARY = "other channels would be open or closed, as this can't be changed here: expected"
PLAIN = "clients would be served in plain text: put a proxy in front that ends TLS, and remove this option"
OTHER_STORE = "each node would keep its own channels: expected engine.type memory, or redis with one address"


@attrs.frozen
class Refused:
    """Stop the start where an option asks for something.

    `advice` says why and what is expected. `unless` are values that are no reason to stop. An option of ours
    that `answers` it, given by a flag or the environment, makes it void.
    """

    name: str
    advice: str
    unless: tuple[Any, ...] = ()
    answer: str = ""

    def stops(self, value: Any) -> bool:
        """Tell whether this value is a reason to stop."""
        return not is_off(value) and value not in self.unless


REFUSED = (
    Refused("http_server.tls.enabled", PLAIN),
    Refused("http_server.tls_autocert.enabled", PLAIN),
    Refused("tls.enabled", PLAIN),
    Refused("http_server.internal_tls.enabled", PLAIN),
    Refused(
        "client.token.audience_regex",
        "tokens for other services would be accepted: expected audience instead",
        (),
        "token_audience",
    ),
    Refused(
        "client.token.issuer_regex",
        "tokens of other issuers would be accepted: expected issuer instead",
        (),
        "token_issuer",
    ),
    Refused(
        "client.token.hmac_previous_secret_key_valid_until",
        "the previous secret would stay valid for ever: remove this option, and hmac_previous_secret_key when its time is over",
    ),
    *(
        Refused(f"client.subscription_token.{name}", SUBSCRIPTIONS_OWN)
        for name in (
            *("hmac_previous_secret_key", "rsa_public_key", "ecdsa_public_key", "jwks_public_endpoint"),
            *("audience", "audience_regex", "issuer", "issuer_regex", "user_id_claim"),
        )
    ),
    *(Refused(f"{section}binary_encoding", BINARY) for section in SECTIONS),
    Refused("rpc.without_namespace.proxy_name", NAMED_PROXIES, ("default",)),
    Refused("rpc.namespaces", RPC_NAMESPACES),
    Refused("client.user_id_http_header", "headers are not believed here: name the user in a token"),
    Refused(
        "client.subscribe_to_user_personal_channel.personal_channel_namespace",
        "clients would listen where nothing comes: a user's channel is #<user>, of no namespace; expected it empty",
    ),
    Refused("channel.private_prefix", f"{BOUNDARY} $", ("$",)),
    Refused("channel.namespace_boundary", f"{BOUNDARY} :", (":",)),
    Refused("channel.user_boundary", f"{BOUNDARY} #", ("#",)),
    Refused("channel.user_separator", f"{BOUNDARY} ,", (",",)),
    Refused("websocket.disabled", "there is no other way to connect here: remove this option"),
    Refused("http_api.disabled", "anyone with the key would be let in: remove this option and http_api.key"),
    Refused("engine.redis.cluster_address", OTHER_STORE, (), "redis_url"),
    Refused("engine.redis.sentinel_address", OTHER_STORE, (), "redis_url"),
    Refused("broker.enabled", OTHER_STORE, (), "redis_url"),
)

REFUSED_IN_NAMESPACES = (
    Refused("subscribe_proxy_name", NAMED_PROXIES, ("default",)),
    Refused("publish_proxy_name", NAMED_PROXIES, ("default",)),
    Refused("sub_refresh_proxy_name", NAMED_PROXIES, ("default",)),
    Refused("subscribe_stream_proxy_enabled", STREAMS),
    Refused(
        "subscription_type",
        "anyone who may subscribe would see everything, as channels are streams here: expected stream",
        ("stream",),
    ),
)

SILENT: dict[str, tuple[Any, ...]] = {
    "http_api.handler_prefix": ("/api",),
    "websocket.handler_prefix": ("/connection/websocket",),
    "websocket.compression_level": (1,),
    "sse.enabled": (True,),
    "sse.handler_prefix": ("/connection/sse",),
    "http_stream.enabled": (True,),
    "http_stream.handler_prefix": ("/connection/http_stream",),
    "emulation.handler_prefix": ("/emulation",),
    "uni_websocket.enabled": (True,),
    "uni_websocket.handler_prefix": ("/connection/uni_websocket",),
    "uni_sse.enabled": (True,),
    "uni_sse.handler_prefix": ("/connection/uni_sse",),
    "uni_http_stream.enabled": (True,),
    "uni_http_stream.handler_prefix": ("/connection/uni_http_stream",),
    "client.queue_max_size": (1_048_576,),
    "client.presence_update_interval": ("27s",),
    "client.channel_position_check_delay": ("40s",),
    "client.subscribe_to_user_personal_channel.enabled": (True,),
    "channel.private_prefix": ("$",),
    "channel.namespace_boundary": (":",),
    "channel.user_boundary": ("#",),
    "channel.user_separator": (",",),
    "engine.redis.connect_timeout": ("1s",),
    "engine.redis.io_timeout": ("4s",),
}
"""Options that are ignored without a word where they say what Centrifugo would do anyway, and we do or need not."""

SILENT_IN_NAMESPACES: dict[str, tuple[Any, ...]] = {
    "subscription_type": ("stream",),
    "subscribe_proxy_name": ("default",),
    "publish_proxy_name": ("default",),
    "sub_refresh_proxy_name": ("default",),
    "subscribe_stream_proxy_name": ("default",),
}

IGNORED_SECTIONS = ("health", "usage_stats")
"""Sections that need no word: the one is always there, the other never."""
