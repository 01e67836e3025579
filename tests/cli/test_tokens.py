"""`token` signs with the secret given, or the one of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jwt
import pytest
from cli.misuse import assert_misused

from trio_gateway.cli.main import main
from trio_gateway.settings.data_directory import make_development_secret

SECRET = "a secret that is long enough for HS256"


def claims(token: str, secret: str = SECRET) -> dict[str, Any]:
    return dict(jwt.decode(token.strip(), secret, algorithms=["HS256"]))


def test_it_names_the_user_and_lasts_an_hour(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--user", "7", "--token-secret", SECRET]) == 0
    made = claims(capsys.readouterr().out)
    assert made["sub"] == "7"
    assert int(made["exp"]) - int(made["iat"]) == 3600


def test_it_lasts_as_long_as_asked(capsys: pytest.CaptureFixture[str]) -> None:
    main(["token", "--user", "7", "--ttl", "2d", "--token-secret", SECRET])
    made = claims(capsys.readouterr().out)
    assert int(made["exp"]) - int(made["iat"]) == 2 * 86_400


def test_on_one_machine_it_finds_the_development_secret(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = make_development_secret(data_dir)
    assert main(["token", "--user", "7"]) == 0
    assert claims(capsys.readouterr().out, secret)["sub"] == "7"


def test_without_any_secret_it_says_what_to_do(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--user", "7"]) == 2
    error = capsys.readouterr().err
    assert str(data_dir) in error
    assert "`trio-gateway serve`" in error
    assert not data_dir.exists()


@pytest.mark.parametrize(
    "given",
    [
        ("--ttl", "5x", "--user", "7"),
        ("--ttl", "0", "--user", "7"),
        ("--user", ""),
        ("--user", "\n"),
        ("--channel", "", "--user", "7"),
        *(("--info", text, "--user", "7") for text in ("", "{", "NaN", "1e999", '"\\ud800"', "[" * 5000)),
    ],
)
def test_a_wrong_option_is_named(given: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--token-secret", SECRET, *given]) == 2
    assert f"error: {given[0]}: " in capsys.readouterr().err


def test_a_token_may_name_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--anonymous", "--token-secret", SECRET]) == 0
    assert claims(capsys.readouterr().out)["sub"] == ""


def test_it_names_somebody_or_nobody_and_not_both(capsys: pytest.CaptureFixture[str]) -> None:
    assert_misused(["token", "--token-secret", SECRET], "--user is missing; or give --anonymous", capsys)
    both = ["token", "--user", "7", "--anonymous", "--token-secret", SECRET]
    assert_misused(both, "--user or --anonymous: expected one of the two", capsys)


def test_with_a_channel_it_is_a_subscription_token(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--user", "7", "--channel", "$chat:1", "--token-secret", SECRET]) == 0
    made = claims(capsys.readouterr().out)
    assert (made["sub"], made["channel"]) == ("7", "$chat:1")


def test_the_secret_of_subscription_tokens_signs_them_alone(capsys: pytest.CaptureFixture[str]) -> None:
    secrets = ["--token-secret", SECRET, "--subscription-token-secret", SECRET[::-1]]
    main(["token", "--user", "7", "--channel", "news", *secrets])
    assert claims(capsys.readouterr().out, SECRET[::-1])["channel"] == "news"
    main(["token", "--user", "7", *secrets])
    assert claims(capsys.readouterr().out)["sub"] == "7"


def test_it_carries_what_others_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    main(["token", "--user", "7", "--info", '{"name": "Ada"}', "--token-secret", SECRET])
    assert claims(capsys.readouterr().out)["info"] == {"name": "Ada"}


def test_a_short_secret_is_no_reason_for_noise(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--user", "7", "--token-secret", "short"]) == 0
    assert capsys.readouterr().err == ""
