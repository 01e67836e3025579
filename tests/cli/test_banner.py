"""The banner shows lines that work as they stand."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from trio_gateway.cli.banner import banner
from trio_gateway.settings.data_directory import make_development_api_key
from trio_gateway.settings.settings import Settings


def test_it_says_ready_only_where_it_is() -> None:
    assert "is ready; Ctrl-C" in banner(Settings(), None).splitlines()[0]
    lines = banner(Settings(), None, ("no connection to db", "the feed is deaf")).splitlines()
    assert "is not ready yet, and keeps trying; Ctrl-C" in lines[0]
    assert lines[2:4] == ["  reason    no connection to db", "  reason    the feed is deaf"]


def test_by_default_the_next_lines_need_no_option() -> None:
    lines = [line.strip() for line in banner(Settings(), None).splitlines()]
    assert "listen    trio-gateway listen --user 7 --device phone" in lines
    assert """publish   trio-gateway publish --user 7 '{"text": "hi"}'""" in lines


def test_it_shows_where_everything_is(tmp_path: Path) -> None:
    text = banner(Settings(host="::1", port=81, admin_host="0.0.0.0", admin_port=91, data_dir=tmp_path), None)
    assert "ws://[::1]:81/ws" in text
    assert "http://127.0.0.1:91/" in text
    assert f"Valkey in {tmp_path}" in text


def test_other_places_are_in_the_lines_to_try(tmp_path: Path) -> None:
    data_dir = tmp_path / "a dir"
    lines = banner(Settings(port=81, data_dir=data_dir), None).splitlines()
    listen = next(line for line in lines if line.startswith("  listen"))
    publish = next(line for line in lines if line.startswith("  publish"))
    assert shlex.split(listen)[-3:] == ["--data-dir", str(data_dir), "ws://127.0.0.1:81/ws"]
    assert shlex.split(publish)[-2:] == ["--data-dir", str(data_dir)]


def test_the_redis_cli_line_names_the_keys_of_the_users_inbox(tmp_path: Path) -> None:
    text = banner(Settings(data_dir=tmp_path, redis_prefix="x"), None)
    command = text[text.index("redis-cli") :].replace("\\\n", "").splitlines()[0]
    assert shlex.split(command) == [
        *("redis-cli", "-s", str(tmp_path / "valkey.sock")),
        *("FCALL", "tg1_publish", "2", "x:{#7}:m", "x:{#7}:s", '{"text": "hi"}'),
    ]


def test_a_redis_of_ones_own_is_shown_without_its_password() -> None:
    text = banner(Settings(redis_url="redis://:hush@db:6379/0"), None)
    assert "hush" not in text
    assert "redis://:***@db:6379/0" in text


@pytest.mark.parametrize(("token", "shown"), [("eyJ.a.b", True), (None, False)])
def test_a_made_up_secret_is_said(token: str | None, shown: bool) -> None:
    text = banner(Settings(), token)
    assert ("development-secret" in text) is shown
    assert ("eyJ.a.b" in text) is shown


def api_line(settings: Settings) -> str:
    return next(line for line in banner(settings, None).splitlines() if line.startswith("  api "))


def test_the_api_is_shown_with_a_command_that_works(tmp_path: Path) -> None:
    key = make_development_api_key(tmp_path / "data")
    here = {"api_keys": key, "data_dir": tmp_path / "data"}
    assert "http://127.0.0.1:9000/api/docs  (trio-gateway api info --data-dir" in api_line(Settings(**here))
    assert "api info --admin-port 91 --data-dir" in api_line(Settings(**here, admin_port=91))
    assert "http://[::1]:9000/api/docs  (trio-gateway api info --admin-host ::1" in api_line(
        Settings(**here, admin_host="::1")
    )


def test_a_key_of_ones_own_is_not_shown() -> None:
    assert "hush" not in api_line(Settings(api_keys="hush"))
    assert "api info --api-key …)" in api_line(Settings(api_keys="hush"))


def test_an_api_that_is_closed_says_what_opens_it() -> None:
    assert "closed, as no --api-key is set" in api_line(Settings(admin_host="0.0.0.0"))


def test_an_open_api_needs_no_option() -> None:
    assert api_line(Settings(api_insecure=True)).endswith("/api/docs  (trio-gateway api info)")


def test_a_secret_that_was_given_is_to_be_given_again() -> None:
    text = banner(Settings(token_secret="x" * 32), None)
    assert "listen --user 7 --device phone --token-secret …" in text


def test_where_a_file_was_named_the_next_lines_name_it() -> None:
    text = banner(Settings(token_secret="x" * 32, api_keys=["k" * 32]), None, config="my gateway.toml")
    for command in ("listen --user 7 --device phone", 'publish --user 7 \'{"text": "hi"}\'', "api info"):
        assert f"{command} --config 'my gateway.toml'\n" in text.replace(")\n", "\n")
