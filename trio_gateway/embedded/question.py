"""One short question to a server behind a Unix socket, in Redis' own words; no answer is an answer as well."""

from __future__ import annotations

from pathlib import Path

import trio

ANSWER_SECONDS = 1.0
"""A local server answers within a millisecond; one that doesn't is asked again."""


async def is_answering(socket: Path) -> bool:
    """Tell whether a server is there and has read its data."""
    return (await _ask(socket, b"PING\r\n")).startswith(b"+PONG")


async def ask_to_shut_down(socket: Path) -> None:
    """Ask the server to write its append-only file and end; it answers by hanging up.

    A command, and no signal to a pid from a file: only the right process can receive it. NOSAVE is
    about snapshots, of which there are none here, and is taken even while a script runs.
    """
    await _ask(socket, b"SHUTDOWN NOSAVE\r\n")


async def _ask(socket: Path, command: bytes) -> bytes:
    """Send one command, and return the first bytes of what comes back, or nothing."""
    with trio.move_on_after(ANSWER_SECONDS):
        try:
            async with await trio.open_unix_socket(str(socket)) as stream:
                await stream.send_all(command)
                return bytes(await stream.receive_some(4096))
        except (OSError, trio.BrokenResourceError):
            return b""
    return b""
