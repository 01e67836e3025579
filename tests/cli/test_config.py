"""`config` shows, checks and teaches."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from trio_gateway.cli.main import main
from trio_gateway.settings.reference import example


def test_it_prints_what_is_in_effect_as_toml(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--port", "81"]) == 0
    assert tomllib.loads(capsys.readouterr().out)["port"] == 81


def test_it_tells_where_the_data_lies(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")
    monkeypatch.delenv("TRIO_GATEWAY_DATA_DIR", raising=False)
    assert main(["config"]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "data_dir" in line)
    assert line.startswith("# data_dir is not set: the platform's place")
    assert line.endswith("trio-gateway")


def test_it_never_prints_a_secret(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOKEN_SECRET", "TOKEN_PREVIOUS_SECRET", "SUBSCRIPTION_TOKEN_SECRET"):
        monkeypatch.setenv(f"TRIO_GATEWAY_{name}", "hush")
    assert main(["config", "--redis-url", "redis://:hush@db", "--api-key", "hush", "--api-key", "hush too"]) == 0
    assert "hush" not in "".join(capsys.readouterr())


def test_it_prints_what_a_file_of_centrifugo_comes_to_and_warns_of_the_rest(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"channel": {"namespaces": [{"name": "news", "presence": true}]}, "admin": {"enabled": true}}')
    assert main(["config", "--config", str(file)]) == 0
    out, err = capsys.readouterr()
    assert [namespace["presence"] for namespace in tomllib.loads(out)["channel"]["namespaces"]] == [True]
    assert err == f"trio-gateway: warning: {file}: ignored, as there is nothing like it here: admin\n"


def test_a_file_of_centrifugo_that_would_let_strangers_in_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"client": {"user_id_http_header": "X-User"}}')
    assert main(["config", "--check", "--config", str(file)]) == 2
    assert f"{file}: client.user_id_http_header: " in capsys.readouterr().err


def test_the_example_is_the_generated_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--example"]) == 0
    assert capsys.readouterr().out == example()


def test_the_example_needs_no_valid_configuration(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIO_GATEWAY_CONFIG", "not-there-yet.toml")
    assert main(["config", "--example"]) == 0
    assert capsys.readouterr() == (example(), "")


def test_checking_says_that_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--check"]) == 0
    assert capsys.readouterr().out == "configuration is valid\n"


def test_checking_says_what_is_wrong(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIO_GATEWAY_PORT", "x")
    assert main(["config", "--check"]) == 2
    assert "TRIO_GATEWAY_PORT: expected a port" in capsys.readouterr().err


def test_checking_sees_one_port_for_both_servers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--check", "--admin-port", "8000"]) == 2
    assert "--port and --admin-port: expected two different ports" in capsys.readouterr().err


def test_checking_sees_a_hook_that_is_missing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text('[[channel.namespaces]]\nname = "rooms"\nsubscribe_proxy_enabled = true\n', encoding="utf-8")
    assert main(["config", "--check", "--config", str(file)]) == 2
    told = (
        "subscribe_proxy_enabled in the namespace rooms: expected the hook subscribe: set the url in [hooks.subscribe]"
    )
    assert told in capsys.readouterr().err


def test_checking_sees_that_strangers_would_be_let_in(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--check", "--host", "0.0.0.0"]) == 2
    assert "--host 0.0.0.0 can be reached from other machines" in capsys.readouterr().err


def test_one_thing_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--check", "--example"]) == 2
    assert "at most one" in capsys.readouterr().err
