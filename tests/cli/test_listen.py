"""`listen` prints one JSON object a line, and finds out who it is."""

from __future__ import annotations

import io
import json
import logging
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import jwt
import pytest

import trio_gateway.client
from trio_gateway.cli.listen import line_of
from trio_gateway.cli.main import main
from trio_gateway.client import ReceivedGap, ReceivedMessage
from trio_gateway.model.errors import Unauthorized
from trio_gateway.model.position import Position
from trio_gateway.settings.data_directory import make_development_secret

SECRET = "a secret that is long enough for HS256"
MESSAGE = ReceivedMessage("#7", 5, {"text": "hé"}, 1000, "", "", Position("e", 5))


class FakeGateway:
    """Accept who is in `accepted` (`user` or `token`), hand out what is in `received`, then be interrupted."""

    def __init__(self) -> None:
        self.accepted = {"user", "token"}
        self.received: Sequence[ReceivedMessage | ReceivedGap] = ()
        self.connections: list[dict[str, Any]] = []

    @asynccontextmanager
    async def connect(self, url: str, **options: Any) -> AsyncIterator[AsyncIterator[Any]]:
        self.connections.append({"url": url, **options})
        if not self.accepted & set(options):
            raise Unauthorized("unauthorized")
        yield self._inbox()

    async def _inbox(self) -> AsyncIterator[ReceivedMessage | ReceivedGap]:
        for one in self.received:
            yield one
        logging.getLogger("trio_gateway.client").info("connection lost; connecting again in 0.3 s")
        raise KeyboardInterrupt


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGateway]:
    fake = FakeGateway()
    monkeypatch.setattr(trio_gateway.client, "connect", fake.connect)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield fake
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_message_is_a_line_that_begins_with_what_people_look_for() -> None:
    assert line_of(MESSAGE) == (
        '{"type": "message", "channel": "#7", "offset": 5, "data": {"text": "hé"}, "time": 1000, "position": "e:5"}'
    )


def test_sender_and_id_are_shown_where_there_are_any() -> None:
    line = json.loads(line_of(ReceivedMessage("#7", 5, None, 1000, "m1", "8", Position("e", 5))))
    assert (line["from"], line["id"], line["data"]) == ("8", "m1", None)


def test_a_gap_is_a_line_of_its_own_type() -> None:
    gap = ReceivedGap("#7", 3, 9, Position("e", 9))
    assert line_of(gap) == '{"type": "gap", "channel": "#7", "from": 3, "to": 9, "position": "e:9"}'


def test_a_gap_without_bounds_has_none() -> None:
    assert (
        line_of(ReceivedGap("#7", None, None, Position("f", 0)))
        == '{"type": "gap", "channel": "#7", "position": "f:0"}'
    )


def test_messages_go_to_stdout_and_the_connections_story_to_stderr(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.received = [MESSAGE]
    assert main(["listen", "--user", "7"]) == 130
    output = capsys.readouterr()
    assert output.out == line_of(MESSAGE) + "\n"
    assert output.err == (
        "trio-gateway: connected to ws://127.0.0.1:8000/ws\ntrio-gateway: connection lost; connecting again in 0.3 s\n"
    )


@pytest.mark.parametrize(("encoding", "data"), [("ascii", "hé"), ("utf-8", "\ud800")])
def test_what_the_terminal_can_not_show_is_escaped_as_json_has_it(
    gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch, encoding: str, data: str
) -> None:
    stdout = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stdout)
    gateway.received = [attrs.evolve(MESSAGE, data=data)]
    main(["listen", "--user", "7"])
    assert isinstance(stdout.buffer, io.BytesIO)
    assert json.loads(stdout.buffer.getvalue())["data"] == data


def test_what_is_asked_for_is_passed_on(gateway: FakeGateway) -> None:
    main(
        ["listen", "--token", "t", "--device", "phone", "--since", "0", "--channel", "a", "--channel", "b", "ws://h/ws"]
    )
    assert gateway.connections == [
        {"url": "ws://h/ws", "token": "t", "device": "phone", "since": "0", "channels": ("a", "b")}
    ]


def test_it_connects_where_the_settings_say(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIO_GATEWAY_PORT", "81")
    main(["listen", "--user", "7", "--host", "::1"])
    assert gateway.connections[0]["url"] == "ws://[::1]:81/ws"


def test_a_user_of_this_machine_needs_no_token(gateway: FakeGateway, data_dir: Path) -> None:
    secret = make_development_secret(data_dir)
    gateway.accepted = {"token"}
    assert main(["listen", "--user", "7"]) == 130
    (connection,) = gateway.connections
    assert jwt.decode(connection["token"], secret, algorithms=["HS256"])["sub"] == "7"


def test_the_secret_can_be_given(gateway: FakeGateway) -> None:
    main(["listen", "--user", "7", "--token-secret", SECRET])
    assert jwt.decode(gateway.connections[0]["token"], SECRET, algorithms=["HS256"])["sub"] == "7"


def test_without_a_secret_the_server_may_be_insecure(gateway: FakeGateway) -> None:
    gateway.accepted = {"user"}
    assert main(["listen", "--user", "7"]) == 130
    assert [connection.get("user") for connection in gateway.connections] == ["7"]


def test_an_insecure_server_that_takes_no_token_is_told_the_bare_name(gateway: FakeGateway, data_dir: Path) -> None:
    make_development_secret(data_dir)
    gateway.accepted = {"user"}
    assert main(["listen", "--user", "7"]) == 130
    assert [connection.get("user") for connection in gateway.connections] == [None, "7"]


def test_who_is_refused_every_way_is_told_what_to_give(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.accepted = set()
    assert main(["listen", "--user", "7", "--token-secret", SECRET]) == 2
    error = capsys.readouterr().err
    assert "ws://127.0.0.1:8000/ws refuses this identity: give a --token" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("who", [[], ["--user", "7", "--token", "t"]])
def test_it_listens_for_a_user_or_by_a_token(who: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listen", *who]) == 2
    assert "--user or --token: expected one of the two" in capsys.readouterr().err


@pytest.mark.parametrize("elsewhere", [["wss://elsewhere"], ["--host", "elsewhere.example"]])
def test_to_another_machine_goes_no_token_of_this_one(
    gateway: FakeGateway, data_dir: Path, capsys: pytest.CaptureFixture[str], elsewhere: list[str]
) -> None:
    make_development_secret(data_dir)
    assert main(["listen", "--user", "7", *elsewhere]) == 130
    assert [(connection.get("user"), connection.get("token")) for connection in gateway.connections] == [("7", None)]
    (first, *_others) = capsys.readouterr().err.splitlines()
    assert "no token is made for another machine" in first
    assert "give a --token" in first


def test_to_another_machine_goes_a_token_of_the_secret_that_was_given(gateway: FakeGateway, data_dir: Path) -> None:
    make_development_secret(data_dir)
    assert main(["listen", "--user", "7", "--token-secret", SECRET, "wss://elsewhere"]) == 130
    assert jwt.decode(gateway.connections[0]["token"], SECRET, algorithms=["HS256"])["sub"] == "7"


def test_an_address_that_was_given_is_tried_until_somebody_is_there(gateway: FakeGateway) -> None:
    assert main(["listen", "--user", "7", "ws://127.0.0.1:8000/ws"]) == 130
    assert "open_stream" not in gateway.connections[0]


def test_the_default_address_is_given_up_where_nobody_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert main(["listen", "--user", "7", "--port", str(port)]) == 2
    assert capsys.readouterr().err == (
        f"trio-gateway: error: no gateway runs at ws://127.0.0.1:{port}/ws (Connection refused); "
        "start one with `trio-gateway serve`, or give its URL\n"
    )
