"""A wrong argument is refused by its name and in the words of what was expected, before anything is asked."""

from __future__ import annotations

import pytest
from cli.misuse import assert_misused

from trio_gateway.cli.main import main

LONG = "x" * 129
TOO_LONG = "x" * 65_537

LISTEN = ["listen", "--user", "7"]
PUBLISH = ["publish", "1"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            [*LISTEN, "--since", "garbage"],
            "--since: expected 0 or a position of the form <epoch>:<offset>, not 'garbage'",
        ),
        ([*LISTEN, "--since", ""], "--since: expected 0 or "),
        ([*LISTEN, "--since", "e:99999999999999999"], "--since: expected 0 or "),
        ([*LISTEN, "--device", "no spaces"], "--device: expected 1 to 64 of A-Z a-z 0-9 . _ -, not 'no spaces'"),
        ([*LISTEN, "--device", "x" * 65], "--device: expected 1 to 64 of "),
        ([*LISTEN, "--device", ""], "--device: expected 1 to 64 of "),
        ([*LISTEN, "--channel", "fine", "--channel", ""], "--channel: expected a name of 1 to 65536 bytes"),
        ([*LISTEN, "--channel", TOO_LONG], "--channel: expected a name of "),
        (["listen", "--user", ""], "--user: expected 1 to 128 bytes of UTF-8 without control characters, not ''"),
        (["listen", "--user", LONG], "--user: expected 1 to 128 bytes"),
        ([*LISTEN, "http://gateway"], "URL: expected ws://host:port or wss://host"),
        ([*LISTEN, "gateway:8000"], "URL: expected ws://"),
        ([*LISTEN, "ws://gateway:99999"], "URL: expected ws://"),
        ([*LISTEN, "ws://[gateway"], "URL: expected ws://"),
        ([*PUBLISH, "--user", ""], "--user: expected 1 to 128 bytes"),
        ([*PUBLISH, "--channel", ""], "--channel: expected a name of 1 to 65536 bytes"),
        ([*PUBLISH, "--channel", "a\nb"], r"not 'a\nb'"),
        ([*PUBLISH, "--channel", "$:mine"], "--channel: expected a name "),
        ([*PUBLISH, "--user", "7", "--id", ""], "--id: expected 1 to 128 bytes of UTF-8 without control characters"),
        ([*PUBLISH, "--user", "7", "--id", LONG], "--id: expected 1 to 128 bytes"),
        (["token", "--user", "7", "--ttl", "abc"], "--ttl: expected seconds or a duration such as "),
        (["publish", "--usr", "7", "1"], "DATA: expected JSON text (or is this a flag? "),
        (["publish", "--user", "7"], "DATA is missing"),
        (["token"], "--user is missing"),
        (["token", "--user", ""], "--user: expected 1 to 128 bytes"),
    ],
)
def test_a_wrong_argument_is_named_in_one_line_with_what_was_expected(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_misused(arguments, words, capsys)


@pytest.mark.parametrize(
    "arguments", [["--token", "hush hush"], ["--token", "t", "ws://me:hush@host"], ["--token", "hush\udc80"]]
)
def test_what_may_be_a_secret_is_not_repeated(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listen", *arguments]) == 2
    error = capsys.readouterr().err
    assert ": expected " in error
    assert "hush" not in error


def test_a_long_value_is_repeated_only_in_part(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*PUBLISH, "--channel", TOO_LONG]) == 2
    assert len(capsys.readouterr().err) < 300
