"""The proxies in a file of Centrifugo become hooks."""

from __future__ import annotations

import re
from typing import Any

import pytest

from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.back_end import BackEndRules, HookRules
from trio_gateway.settings.centrifugo.document import translate
from trio_gateway.settings.centrifugo.proxies import PROXIES, Proxy

URL = "http://localhost:3000/centrifugo"


def document(proxy: Proxy, **options: Any) -> dict[str, Any]:
    """Make the document in which a proxy is on."""
    made: dict[str, Any] = {}
    for name, value in [(proxy.name, {"endpoint": URL, **options}), *([(proxy.switch, True)] if proxy.switch else [])]:
        place = made
        *above, last = name.split(".")
        for part in above:
            place = place.setdefault(part, {})
        place[last] = {**place.get(last, {}), **value} if isinstance(value, dict) else value
    return made


@pytest.mark.parametrize("proxy", PROXIES, ids=lambda proxy: proxy.hook)
def test_each_becomes_its_hook(proxy: Proxy) -> None:
    translation = translate(document(proxy))
    assert translation.back_end == BackEndRules(**{proxy.hook: HookRules(url=URL)})
    assert translation.ignored == ()


@pytest.mark.parametrize("proxy", [proxy for proxy in PROXIES if proxy.switch], ids=lambda proxy: proxy.hook)
def test_one_that_is_off_is_none(proxy: Proxy) -> None:
    text = str(document(proxy)).replace("True", "False")
    translation = translate(eval(text))
    assert translation.back_end == BackEndRules()
    assert translation.ignored == ()


def test_all_its_options_are_taken() -> None:
    options = {
        "timeout": "500ms",
        "http_headers": ["Cookie", "Origin"],
        "emulated_headers": ["Authorization"],
        "include_connection_meta": True,
        "http": {
            "static_headers": {"X-Custom-Header": "custom value"},
            "status_to_code_transforms": [{"status_code": 404, "to_error": {"code": 404, "message": "not found"}}],
        },
    }
    rules = translate(document(PROXIES[0], **options)).back_end.connect
    assert rules is not None
    assert (rules.timeout, rules.http_headers, rules.emulated_headers) == (
        0.5,
        ("Cookie", "Origin"),
        ("Authorization",),
    )
    assert rules.include_connection_meta
    assert rules.static_headers == {"X-Custom-Header": "custom value"}
    assert rules.status_to_code_transforms[0].outcome.code == 404


def test_of_two_transforms_of_a_status_the_first_counts_as_in_centrifugo() -> None:
    transforms = [{"status_code": 404, "to_error": {"code": code}} for code in (404, 405)]
    rules = translate(document(PROXIES[0], http={"status_to_code_transforms": transforms})).back_end.connect
    assert rules is not None
    assert [one.outcome.code for one in rules.status_to_code_transforms] == [404]


def test_transforms_that_are_none_are_refused() -> None:
    for wrong in (5, [5, 5], [{}, {}], [{"status_code": []}]):
        with pytest.raises(ConfigurationError, match=r"status_to_code_transforms: expected tables"):
            translate(document(PROXIES[0], http={"status_to_code_transforms": wrong}))


def test_the_switches_of_a_namespace_are_taken() -> None:
    switches = {f"{hook}_proxy_enabled": True for hook in ("subscribe", "publish", "sub_refresh")}
    rules = translate({"channel": {"without_namespace": switches}}).namespaces.without_namespace
    assert (rules.subscribe_proxy_enabled, rules.publish_proxy_enabled, rules.sub_refresh_proxy_enabled) == (True,) * 3


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"client": {"proxy": {"connect": {"enabled": True}}}}, "client.proxy.connect.endpoint: expected a URL"),
        (document(PROXIES[0], endpoint="grpc://localhost:9000"), "client.proxy.connect.endpoint: expected a URL"),
        (document(PROXIES[0], timeout=1), "client.proxy.connect.timeout: expected a duration in quotes"),
        (document(PROXIES[2], binary_encoding=True), "channel.proxy.subscribe.binary_encoding: the back end would"),
        (document(PROXIES[3], http_headers=["Host"]), "channel.proxy.publish.http_headers: expected names"),
        (
            document(PROXIES[0], http_headers=["X-Key"], http={"static_headers": {"x-key": "k"}}),
            "client.proxy.connect.http.static_headers: expected no x-key, as a client could replace it",
        ),
        (
            document(PROXIES[1], http={"status_to_code_transforms": [{"status_code": 403, "to_error": {"code": 403}}]}),
            "client.proxy.refresh.http.status_to_code_transforms: expected no to_error",
        ),
        ({"rpc": {"namespaces": [{"name": "sun", "proxy_enabled": True}]}}, "rpc.namespaces: other methods"),
        (
            {"rpc": {"without_namespace": {"proxy_enabled": True, "proxy_name": "rpc1"}}},
            "rpc.without_namespace.proxy_name: another back end",
        ),
        (
            {"channel": {"namespaces": [{"name": "ns1", "subscribe_proxy_name": "subscribe1"}]}},
            "channel.namespaces[ns1].subscribe_proxy_name: another back end",
        ),
    ],
)
def test_what_would_ask_another_or_otherwise_stops_the_start(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        translate(wrong)


def test_options_for_grpc_are_told_to_be_ignored() -> None:
    translation = translate(document(PROXIES[0], grpc={"compression": True}, grpc_metadata=["a"]))
    assert translation.ignored == ("client.proxy.connect.grpc.compression", "client.proxy.connect.grpc_metadata")
