"""`api` posts to the admin port, and prints the result or one line that says why there is none."""

from __future__ import annotations

import io
import json
import socket
import sys
from pathlib import Path

import pytest
from cli.admin import Admin
from cli.misuse import assert_misused

from trio_gateway.api.sentences import SENTENCES
from trio_gateway.cli.main import main
from trio_gateway.settings.data_directory import make_development_api_key


def test_it_posts_the_request_with_the_development_key(admin: type[Admin], data_dir: Path) -> None:
    key = make_development_api_key(data_dir)
    assert main(["api", "publish", '{"channel": "news", "data": "ü"}']) == 0
    assert admin.asked == ("POST", "/api/publish", key, '{"channel": "news", "data": "ü"}'.encode())


def test_a_key_that_is_given_goes_before(admin: type[Admin], data_dir: Path) -> None:
    make_development_api_key(data_dir)
    assert main(["api", "info", "--api-key", "a key of my own"]) == 0
    assert admin.asked == ("POST", "/api/info", "a key of my own", b"{}")


def test_without_any_key_none_is_sent(admin: type[Admin]) -> None:
    assert main(["api", "info"]) == 0
    assert admin.asked[2] is None


def test_a_dash_reads_stdin(admin: type[Admin], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"a": 1}'))
    assert main(["api", "publish", "-"]) == 0
    assert admin.asked[3] == b'{"a": 1}'


@pytest.mark.parametrize(
    ("body", "printed"),
    [
        ('{"result": {"offset": 1, "epoch": "é"}}', '{"offset":1,"epoch":"é"}\n'),
        ('{"replies": [{"info": {}}]}', '{"replies":[{"info":{}}]}\n'),
        ("{}", "{}\n"),
    ],
)
def test_the_result_is_printed_compact_for_programs(
    admin: type[Admin], body: str, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    admin.body = body.encode()
    assert main(["api", "batch"]) == 0
    assert capsys.readouterr() == (printed, "")


def test_the_result_is_printed_with_indents_for_people(
    admin: type[Admin], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    admin.body = b'{"result": {"nodes": []}}'
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["api", "info"]) == 0
    assert capsys.readouterr().out == '{\n  "nodes": []\n}\n'


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        ({"code": 107, "message": "bad request", "detail": "data is missing"}, 2, "107 bad request: data is missing"),
        ({"code": 102, "message": "unknown channel"}, 2, "102 unknown channel"),
        ({"code": 100, "message": "internal server error"}, 1, "100 internal server error"),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(
    admin: type[Admin], error: dict[str, object], code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    admin.body = json.dumps({"error": error}).encode()
    assert main(["api", "info"]) == code
    assert capsys.readouterr() == ("", f"trio-gateway: error: {line}\n")


def test_a_wrong_key_is_the_operators_error(admin: type[Admin], capsys: pytest.CaptureFixture[str]) -> None:
    admin.status, admin.body = 401, b""
    assert_misused(["api", "info"], "--api-key: expected one of the gateway's api_keys", capsys)


def test_what_is_no_json_is_refused_before_the_gateway_is_asked(
    admin: type[Admin], capsys: pytest.CaptureFixture[str]
) -> None:
    admin.status = 401
    assert_misused(["api", "publish", "channel=news"], "JSON: expected a JSON object, such as {", capsys)
    assert not hasattr(admin, "asked")


def test_what_is_no_json_for_the_gateway_is_told_in_its_words(
    admin: type[Admin], capsys: pytest.CaptureFixture[str]
) -> None:
    admin.status, admin.body = 400, b"expected JSON: invalid character (byte 0)"
    assert_misused(["api", "info", "NaN"], "JSON: invalid character (byte 0)", capsys)


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html>"), (200, b"[]"), (404, b'{"status": "Not Found"}'), (502, b"<html>bad gateway")]
)
def test_who_answers_otherwise_is_no_gateway(
    admin: type[Admin], status: int, body: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    admin.status, admin.body = status, body
    assert main(["api", "info"]) == 1
    error = capsys.readouterr().err
    assert f"answers with HTTP status {status}, and not as a gateway's API does" in error
    assert "html" not in error


def test_where_nobody_listens_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert main(["api", "info", "--admin-port", str(port)]) == 1
    error = capsys.readouterr().err
    assert f"no answer from http://127.0.0.1:{port}/api/info: " in error
    assert error.count("\n") == 1


def test_an_unknown_method_is_named_with_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    words = "METHOD: there is no 'histry'; did you mean history? (trio-gateway api lists them)"
    assert_misused(["api", "histry"], words, capsys)


@pytest.mark.parametrize("arguments", [["api"], ["api", "--help"]])
def test_without_a_method_all_are_listed_with_a_sentence_each(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert all([name, sentence] in lines for name, sentence in SENTENCES.items())
