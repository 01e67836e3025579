"""The three programs of examples/push as they are run, and the devices that hear what they push."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import trio
from broker.valkey import Valkey
from e2e.gateway_process import PATIENCE, GatewayProcess, until
from e2e.stock_client import dial
from programs import find_program, lacking

ROOT = Path(__file__).parent.parent.parent
PUSH = ROOT / "examples/push"
INSTALLS = "`nox -s examples` does it"
LAST = "the last one"
IGNORING = ["env", "--ignore-signal=XFSZ"]
"""Or the limit would end a program by a signal, which a full disk does not."""


class Job:
    """A list of notifications, and a program that works through it."""

    def __init__(self, command: Sequence[object], folder: Path, url: str) -> None:
        self.command = [str(part) for part in command]
        self.url = url
        self.list = folder / "due.jsonl"
        self.marks = folder / "due.jsonl.done"
        self.process: subprocess.Popen[bytes] | None = None
        self._stderr = folder / "stderr"

    def write(self, *notifications: tuple[str, str]) -> None:
        """Write the list: each notification's id and user."""
        self.list.write_text("", encoding="utf-8")
        for id, user in notifications:
            self.add(id, user)

    def add(self, id: str, user: str, body: str = "b") -> None:
        """Write one more line."""
        with self.list.open("a", encoding="utf-8") as list:
            list.write(json.dumps({"id": id, "user": user, "title": "t", "body": body}) + "\n")

    @property
    def done(self) -> list[str]:
        """Read which ids are marked."""
        return self.marks.read_text(encoding="utf-8").split("\n")[:-1] if self.marks.exists() else []

    @property
    def said(self) -> str:
        return self._stderr.read_text(encoding="utf-8")

    def start(self, *options: str, largest_file: int | None = None) -> None:
        """Start the program; without options on its list and the store.

        It writes no file beyond `largest_file` bytes, as on a disk that is full then.
        """
        limit = [] if largest_file is None else [find_program("prlimit"), f"--fsize={largest_file}", *IGNORING]
        with self._stderr.open("wb") as stderr:
            self.process = subprocess.Popen(
                [*limit, *self.command, *(options or ("--redis-url", self.url, str(self.list)))],
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                start_new_session=True,
            )

    async def wait(self) -> int:
        """Wait until it has ended; gives its exit code."""
        return await until(lambda: self.process.poll() is not None) and self.process.returncode

    async def run(self, *options: str, largest_file: int | None = None) -> int:
        self.start(*options, largest_file=largest_file)
        return await self.wait()

    async def gets_going(self) -> None:
        """Wait until a part is done."""
        await until(lambda: len(self.done) >= 20)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def python_program(_folder: Path) -> list[object]:
    return [sys.executable, PUSH / "python/push.py"]


def node_program(_folder: Path) -> list[object]:
    node = find_program("node")
    if not (PUSH / "node/node_modules").exists():
        lacking(f"the Redis client for Node is not installed: {INSTALLS}")
    return [node, PUSH / "node/push.js"]


def go_program(folder: Path) -> list[object]:
    command = [find_program("go"), "build", "-o", str(folder / "push"), "."]
    offline = os.environ | {"GOPROXY": "off"}
    built = subprocess.run(command, cwd=PUSH / "go", env=offline, check=False, capture_output=True, text=True)
    if "module lookup disabled" in built.stderr:
        lacking(f"the Redis client for Go is not installed: {INSTALLS}")
    assert built.returncode == 0, built.stderr
    return [folder / "push"]


PROGRAMS = {"python": python_program, "node": node_program, "go": go_program}


class Place:
    """One gateway and its store, and the users that were taken."""

    def __init__(self, gateway: GatewayProcess, valkey: Valkey) -> None:
        self.gateway, self.valkey = gateway, valkey
        self._users = 0

    def new_user(self, name: str = "u") -> str:
        self._users += 1
        return f"{name}{self._users}"

    @contextlib.asynccontextmanager
    async def device(self, user: str, name: str):
        """Connect a device; gives what reads all that it gets, to the end."""
        async with dial(self.gateway.url(user=quote(user, safe=""), device=name, since=0)) as client:

            async def heard() -> list[str]:
                async with self._publisher() as publish:
                    await publish(user, LAST)
                with trio.fail_after(PATIENCE):
                    frames = [await client.receive("message")]
                    while frames[-1].get("data") != LAST:
                        frames.append(await client.receive("message"))
                return [frame["id"] for frame in frames if frame["data"] != LAST]

            yield heard

    async def heard(self, user: str) -> list[str]:
        """Read as a device that comes afterwards: the ids of all that was pushed to a user."""
        async with self.device(user, "late") as heard:
            return await heard()

    @contextlib.asynccontextmanager
    async def _publisher(self):
        from trio_gateway import AsyncPublisher

        async with AsyncPublisher(self.valkey.url) as publisher:
            # With an id: devices of one user have the same end.
            yield lambda user, data: publisher.send_to_user(user, data, id=LAST)
