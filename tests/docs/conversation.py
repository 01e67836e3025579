"""A conversation is a connection as a page prints it, played line by line against a running gateway.

Over a WebSocket:

GET /ws?user=7&device=phone       the upgrade request; header lines may follow, as in HTTP
< {"type":"hello",…}              what the server sends: character for character, but for each …
> {"type":"ack","offset":1}       what the client sends; … is what the last one stood for
$ trio-gateway publish …          what is done in a terminal meanwhile
< close 3001 shutdown             how the server closes; `< 401 {…}` is how it refuses the upgrade

Over HTTP:

POST /send?user=7                 the request; header lines may follow, and behind a `>` its body
< 200 application/json            the status, and the content type
< {"type":"ok","offset":1}        the body, line by line
"""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

VARIES = "…"
SECONDS = 10.0


def matches(expected: str, shown: str) -> bool:
    """Tell whether these whole lines were shown, one after another; … stands for anything within a line."""
    return re.search(rf"(?m)^{pattern(expected)}$", shown) is not None


def pattern(expected: str) -> str:
    return "(.+?)".join(map(re.escape, expected.split(VARIES)))


def play(lines: list[str], authority: str, run: Callable[[str], None]) -> None:
    """Play one conversation; raises AssertionError at the first line that differs. `run` runs a shell command."""
    request, rest = lines[0], lines[1:]
    headers = [line.partition(": ")[::2] for line in rest if re.match(r"[A-Z][A-Za-z-]+: ", line)]
    lines = rest[len(headers) :]
    try:
        connection = connect(
            f"ws://{authority}{request.removeprefix('GET ')}", additional_headers=headers, compression=None
        )
    except InvalidStatus as refusal:
        body = (refusal.response.body or b"").decode()
        _compare(lines[0], f"{refusal.response.status_code} {body}")
        assert lines[1:] == [], "nothing follows a refusal"
        return
    with connection:
        _Conversation(connection, run).play(lines)


def exchange(lines: list[str], authority: str, run: Callable[[str], None]) -> None:
    """Play one request and its response; raises as `play` does."""
    (method, path), rest = lines[0].split(), lines[1:]
    headers = dict(line.partition(": ")[::2] for line in rest if re.match(r"[A-Z][A-Za-z-]+: ", line))
    body = next((line[2:] for line in rest if line.startswith("> ")), None)
    lines = [line for line in rest[len(headers) :] if not line.startswith("> ")]
    with httpx.stream(method, f"http://{authority}{path}", headers=headers, content=body, timeout=SECONDS) as response:
        content_type = response.headers.get("content-type", "").partition(";")[0]
        _compare(lines[0], f"{response.status_code} {content_type}".rstrip())
        came = response.iter_lines()
        for line in lines[1:]:
            if line.startswith("$ "):
                run(line[2:])
            else:
                _compare(line.removeprefix("<").removeprefix(" "), next(came, "(the end)"))


class _Conversation:
    """Remember what the last … stood for: in a line that is sent, it stands for that again."""

    def __init__(self, connection: ClientConnection, run: Callable[[str], None]) -> None:
        self._connection = connection
        self._run = run
        self._last = ""

    def play(self, lines: list[str]) -> None:
        for line in lines:
            sign, text = line[:1], line[2:]
            if sign == "$":
                self._run(text)
            elif sign == ">":
                self._connection.send(text.replace(VARIES, self._last))
            else:
                self._last = (_compare(line, _receive(self._connection)) or (self._last,))[-1]


def _receive(connection: ClientConnection) -> str:
    try:
        return str(connection.recv(SECONDS))
    except TimeoutError:
        return "(nothing)"
    except ConnectionClosed as closed:
        said = closed.rcvd
        return f"close {said.code} {said.reason}".rstrip() if said else "(no Close)"


def _compare(line: str, came: str) -> tuple[str, ...]:
    """Compare a line with what came; answers what each … stood for."""
    match = re.fullmatch(pattern(line.removeprefix("< ")), came)
    assert match, f"the page says {line}\nthere came  < {came}"
    return match.groups()
