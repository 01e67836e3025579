"""`publish` hands JSON to the Publisher and prints the position."""

from __future__ import annotations

import io
import socket
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from trio_gateway.cli.main import main
from trio_gateway.model.errors import (
    BadRequest,
    BrokerUnavailable,
    InvalidChannel,
    InvalidId,
    PublicationTooLarge,
    RequestError,
    UnknownChannel,
)
from trio_gateway.model.position import Position


class FakePublisher:
    """Take what is published; answers `answer`, or raises it."""

    made: tuple[str, str]
    published: list[tuple[str, str, Any, str | None]]
    answer: Position | Exception = Position("e", 5)

    def __init__(self, url: str, *, prefix: str = "tg") -> None:
        type(self).made = (url, prefix)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def send_to_user(self, user: str, data: Any, id: str | None = None) -> Position:
        return self._take("user", user, data, id)

    def publish(self, channel: str, data: Any, id: str | None = None) -> Position:
        return self._take("channel", channel, data, id)

    def _take(self, kind: str, name: str, data: Any, id: str | None) -> Position:
        self.published.append((kind, name, data, id))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> type[FakePublisher]:
    fake = type("Publisher", (FakePublisher,), {"published": []})
    module = types.ModuleType("trio_gateway.publisher")
    monkeypatch.setattr(module, "Publisher", fake, raising=False)
    monkeypatch.setitem(sys.modules, "trio_gateway.publisher", module)
    return fake


@pytest.fixture
def embedded(data_dir: Path) -> Iterator[Path]:
    data_dir.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(data_dir / "valkey.sock"))
        server.listen()
        yield data_dir / "valkey.sock"


def test_it_sends_to_a_user_and_prints_the_position(
    publisher: type[FakePublisher], embedded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", "--user", "7", '{"text": "hi"}']) == 0
    assert capsys.readouterr() == ("e:5\n", "")
    assert publisher.published == [("user", "7", {"text": "hi"}, None)]
    assert publisher.made == (f"unix://{embedded}", "tg")


def test_it_publishes_in_a_channel_with_an_id(publisher: type[FakePublisher], embedded: Path) -> None:
    assert main(["publish", "--channel", "news", "--id", "m1", "1"]) == 0
    assert publisher.published == [("channel", "news", 1, "m1")]


def test_a_redis_url_and_a_prefix_can_be_given(publisher: type[FakePublisher]) -> None:
    assert main(["publish", "--user", "7", "--redis-url", "redis://db", "--redis-prefix", "x", "1"]) == 0
    assert publisher.made == ("redis://db", "x")


def test_a_dash_reads_stdin(publisher: type[FakePublisher], embedded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO('["piped"]\n'))
    assert main(["publish", "--user", "7", "-"]) == 0
    assert publisher.published == [("user", "7", ["piped"], None)]


def test_a_negative_number_is_data(publisher: type[FakePublisher], embedded: Path) -> None:
    assert main(["publish", "--user", "7", "-5"]) == 0
    assert publisher.published == [("user", "7", -5, None)]


def test_where_nothing_is_kept_there_is_no_position(
    publisher: type[FakePublisher], embedded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publisher.answer = Position("", 0)
    assert main(["publish", "--channel", "news", "1"]) == 0
    assert capsys.readouterr().out == "not kept\n"


@pytest.mark.parametrize("data", ["hi", "{", "", "NaN", "[" * 100_000])
def test_what_is_no_json_is_refused_before_anything_is_asked(
    publisher: type[FakePublisher], data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", "--user", "7", data]) == 2
    error = capsys.readouterr().err
    assert error.startswith("trio-gateway: error: DATA: expected JSON")
    assert error.count("\n") == 1
    assert publisher.published == []


@pytest.mark.parametrize("target", [[], ["--user", "7", "--channel", "news"]])
def test_it_goes_to_a_user_or_a_channel(target: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publish", *target, "1"]) == 2
    assert "--user or --channel: expected one of the two" in capsys.readouterr().err


def test_where_no_gateway_runs_it_says_so(
    publisher: type[FakePublisher], data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", "--user", "7", "1"]) == 2
    assert capsys.readouterr().err == (
        f"trio-gateway: error: no gateway runs on {data_dir}; "
        "start one with `trio-gateway serve`, or give --redis-url\n"
    )


def test_a_socket_that_a_crash_left_behind_is_no_gateway(
    publisher: type[FakePublisher], data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data_dir.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(data_dir / "valkey.sock"))
    assert main(["publish", "--user", "7", "1"]) == 2
    assert "no gateway runs on" in capsys.readouterr().err


def test_a_redis_that_does_not_answer_is_told_as_it_is(
    publisher: type[FakePublisher], capsys: pytest.CaptureFixture[str]
) -> None:
    publisher.answer = BrokerUnavailable("no answer from db")
    assert main(["publish", "--user", "7", "--redis-url", "redis://db", "1"]) == 1
    assert capsys.readouterr().err == "trio-gateway: error: no answer from db\n"


@pytest.mark.parametrize(
    ("refusal", "target", "blamed"),
    [
        (InvalidChannel("no"), "--channel", "--channel"),
        (UnknownChannel("no"), "--channel", "--channel"),
        (BadRequest("no"), "--user", "--user"),
        (InvalidId("no"), "--user", "--id"),
        (PublicationTooLarge("no"), "--user", "DATA"),
    ],
)
def test_what_the_store_refuses_is_named_and_the_callers_error(
    publisher: type[FakePublisher],
    embedded: Path,
    capsys: pytest.CaptureFixture[str],
    refusal: RequestError,
    target: str,
    blamed: str,
) -> None:
    publisher.answer = refusal
    assert main(["publish", target, "x", "--id", "m1", "1"]) == 2
    assert capsys.readouterr().err == f"trio-gateway: error: {blamed}: no\n"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("unix:///nonexistent.sock", "no connection to unix:///nonexistent.sock: No such file or directory"),
        ("redis://me:hush@127.0.0.1:1", "no connection to redis://me:***@127.0.0.1:1: Connection refused"),
    ],
)
def test_a_redis_that_can_not_be_reached_is_told_in_the_systems_words(
    url: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", "--user", "7", "--redis-url", url, "1"]) == 1
    assert capsys.readouterr().err == f"trio-gateway: error: {words}\n"


def test_a_redis_that_stays_silent_leaves_it_open_whether_it_was_published(
    publisher: type[FakePublisher], capsys: pytest.CaptureFixture[str]
) -> None:
    publisher.answer = BrokerUnavailable("Timeout reading from socket")
    publisher.answer.__cause__ = RuntimeError("redis-py's own")
    publisher.answer.__cause__.__context__ = TimeoutError("timed out")
    assert main(["publish", "--user", "7", "--redis-url", "redis://db", "1"]) == 1
    assert capsys.readouterr().err == (
        "trio-gateway: error: no answer from redis://db in time; whether it was published is unknown\n"
    )


def test_a_url_whose_parameters_are_wrong_is_the_options_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publish", "--user", "7", "--redis-url", "redis://db?socket_timeout=x", "1"]) == 2
    assert "error: --redis-url: Invalid value for 'socket_timeout'" in capsys.readouterr().err
