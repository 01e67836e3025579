"""Stand in for redis-cli where it is not installed: `redis-cli -s SOCKET COMMAND…`, printing what it prints."""

from __future__ import annotations

import socket
import sys

import hiredis


def main(option: str, path: str, *command: str) -> None:
    assert option == "-s", "the pages speak to the embedded server"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        connection.sendall(hiredis.pack_command(command))
        reader = hiredis.Reader(encoding="utf-8")
        while (reply := reader.gets()) is False:
            reader.feed(connection.recv(65_536))
    print(written(reply))  # noqa: T201 (it is a program)


def written(reply: object) -> str:
    if isinstance(reply, list):
        return "\n".join(f"{number}) {written(part)}" for number, part in enumerate(reply, 1))
    if isinstance(reply, hiredis.ReplyError):
        return f"(error) {reply}"
    if isinstance(reply, int):
        return f"(integer) {reply}"
    return str(reply) if reply == "OK" else f'"{reply}"'


if __name__ == "__main__":
    main(*sys.argv[1:])
