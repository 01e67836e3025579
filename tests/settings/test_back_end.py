"""Where a back end is asked: what the rules of a hook take, and that nothing of a link or of the message itself is passed on."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from trio_gateway.model.codes import DisconnectCode, ErrorCode
from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.back_end import HOOKS, KEPT_BACK, BackEndRules, HookRules, StatusTransform
from trio_gateway.settings.option import InvalidOption
from trio_gateway.settings.tables import read_back_end

URL = "https://app.test/hooks"


def read(text: str) -> BackEndRules:
    return read_back_end(tomllib.loads(text))


def test_without_tables_nobody_is_asked() -> None:
    assert read("port = 1") == BackEndRules()
    assert not list(read("").given())


@pytest.mark.parametrize("hook", HOOKS)
def test_each_hook_has_its_table(hook: str) -> None:
    assert dict(read(f'[hooks.{hook}]\nurl = "{URL}"').given()) == {hook: HookRules(url=URL)}


def test_by_default_nothing_is_passed_on_and_all_is_bounded() -> None:
    rules = HookRules(url=URL)
    assert (rules.http_headers, rules.emulated_headers, rules.static_headers) == ((), (), {})
    assert (rules.timeout, rules.max_concurrent, rules.max_waiting) == (1, 100, 500)


@pytest.mark.parametrize("option", ["http_headers", "emulated_headers"])
@pytest.mark.parametrize("name", [*sorted(KEPT_BACK), "Host", "a b", "", "a:b", "é", "x" * 129])
def test_a_header_that_is_none_of_the_clients_is_refused(option: str, name: str) -> None:
    with pytest.raises(InvalidOption, match=f"^{option}: expected names of headers"):
        HookRules(url=URL, **{option: [name]})


@pytest.mark.parametrize(
    "headers",
    [{"Host": "a"}, {"a": "b\nc: d"}, {"a": ""}, {"a": 1}, {"a": "***"}, {"a": "b "}, {"a": " b"}, ["a"], "a"],
)
def test_a_static_header_that_is_none_is_refused(headers: Any) -> None:
    with pytest.raises(InvalidOption, match=r"^static_headers: expected a table of headers"):
        HookRules(url=URL, static_headers=headers)


@pytest.mark.parametrize("option", ["http_headers", "emulated_headers"])
def test_a_static_header_that_a_client_could_replace_is_refused(option: str) -> None:
    with pytest.raises(InvalidOption, match=r"^static_headers: expected no X-Key, as a client could replace it"):
        HookRules(url=URL, static_headers={"X-Key": "k"}, **{option: ["x-key"]})


def test_a_static_header_that_is_there_twice_is_refused() -> None:
    with pytest.raises(InvalidOption, match=r"^static_headers: expected x-key once"):
        HookRules(url=URL, static_headers={"X-Key": "k", "x-key": "l"})


def test_a_status_that_stands_for_two_things_is_refused() -> None:
    transforms = [{"status_code": 404, "to_error": {"code": code}} for code in (404, 405)]
    with pytest.raises(InvalidOption, match=r"^status_to_code_transforms: expected the status_code 404 once"):
        HookRules(url=URL, status_to_code_transforms=transforms)


@pytest.mark.parametrize(
    "url",
    [
        "http://a..b/",
        f"http://{'a' * 70}.com/",
        f"http://app.test/{'x' * 70_000}",
        "http://a_\u2028b/",
    ],
)
def test_a_url_that_could_never_be_asked_is_refused(url: str) -> None:
    with pytest.raises(InvalidOption, match=r"^url: expected a URL"):
        HookRules(url=url)


@pytest.mark.parametrize(
    "url",
    [
        "http://app:3000",
        "https://b\u00fccher.test/a?b={c}",
        "http://[::1]:3000/",
        "http://10.0.0.1/",
        "http://my_app.test/",
    ],
)
def test_a_url_that_can_be_asked_is_taken(url: str) -> None:
    assert HookRules(url=url).url == url


def test_a_static_header_is_hidden() -> None:
    assert "secret" not in repr(HookRules(url="https://:secret@app.test/", static_headers={"X-Key": "secret"}))


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        ({"to_error": {"code": 404, "message": "not found"}}, ErrorCode(404, "not found")),
        ({"to_error": {"code": 429, "message": "slower", "temporary": True}}, ErrorCode(429, "slower", temporary=True)),
        ({"to_disconnect": {"code": 4904, "reason": "not found"}}, DisconnectCode(4904, "not found")),
    ],
)
def test_a_status_stands_for_an_error_or_a_disconnect(given: dict[str, Any], outcome: ErrorCode) -> None:
    rules = HookRules(url=URL, status_to_code_transforms=[{"status_code": 404, **given}])
    assert rules.status_to_code_transforms == (StatusTransform(404, outcome),)


@pytest.mark.parametrize(
    "transform",
    [
        {"status_code": 404},
        {"status_code": 200, "to_error": {"code": 404}},
        {"status_code": "404", "to_error": {"code": 404}},
        {"status_code": 404, "to_error": {"code": 404}, "to_disconnect": {"code": 4000}},
        {"status_code": 404, "to_error": {"code": 3000}},
        {"status_code": 404, "to_error": {}},
        {"status_code": 404, "to_error": 5},
        {"status_code": 404, "to_error": {"code": 404, "word": 1}},
        {"status_code": 404, "to_disconnect": {"code": 1000}},
        {"status_code": 404, "to_disconnect": {"code": 4000, "reason": "x" * 124}},
        5,
    ],
)
def test_another_transform_is_refused(transform: Any) -> None:
    with pytest.raises(InvalidOption, match=r"^status_to_code_transforms: expected tables"):
        HookRules(url=URL, status_to_code_transforms=[transform])


@pytest.mark.parametrize(
    ("hook", "transform", "words"),
    [
        ("refresh", "to_error = {code = 429}", "expected no to_error, as an error is no answer to this hook"),
        ("sub_refresh", "to_error = {code = 429}", "expected no to_error, as an error is no answer to this hook"),
        ("disconnected", "to_error = {code = 429}", "expected none, as the client has gone"),
        ("disconnected", "to_disconnect = {code = 4500}", "expected none, as the client has gone"),
    ],
)
def test_a_status_stands_for_nothing_that_the_hook_can_not_answer(hook: str, transform: str, words: str) -> None:
    text = f'[hooks.{hook}]\nurl = "{URL}"\nstatus_to_code_transforms = [{{status_code = 429, {transform}}}]'
    with pytest.raises(ConfigurationError, match=re.escape(f"[hooks] {hook}.status_to_code_transforms: {words}")):
        read(text)


def test_a_status_may_stand_for_a_disconnect_at_a_refresh() -> None:
    transforms = "[{status_code = 403, to_disconnect = {code = 4503}}]"
    assert read(f'[hooks.refresh]\nurl = "{URL}"\nstatus_to_code_transforms = {transforms}').refresh


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hooks = 5", "[hooks]: expected a table"),
        ("[hooks.conect]", "[hooks]: unknown key conect; did you mean connect?"),
        ("[hooks.connect]", "[hooks.connect] url: expected a URL"),
        ('[hooks.connect]\nurl = "app.test"', "[hooks.connect] url: expected a URL"),
        ('[hooks.connect]\nurl = "grpc://app.test"', "[hooks.connect] url: expected a URL"),
        ('[hooks.connect]\nurl = "http://app.test:99999/"', "[hooks.connect] url: expected a URL"),
        (f'[hooks.connect]\nurl = "{URL}"\ntimout = 1', "[hooks.connect]: unknown key timout; did you mean timeout?"),
        (f'[hooks.connect]\nurl = "{URL}"\ntimeout = 0', "[hooks.connect] timeout: expected seconds"),
        (f'[hooks.connect]\nurl = "{URL}"\nmax_concurrent = 0', "[hooks.connect] max_concurrent: expected a whole"),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(words)) as refused:
        read(text)
    assert "\n" not in str(refused.value)
