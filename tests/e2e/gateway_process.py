"""A gateway as its operator runs it: `trio-gateway serve` in a process of its own, on free ports and a data directory of the test's."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import redis
import trio
from ports import free_port

from trio_gateway.publisher import Publisher
from trio_gateway.settings.data_directory import socket_path

PROGRAM = [sys.executable, "-c", "import sys; from trio_gateway.cli.main import main; sys.exit(main())"]

PATIENCE = 30.0
"""Seconds for what takes two at most; only a broken program needs them."""


RED_SECONDS = 15.0
"""For ready to turn red: 3 s are promised, and tests/broker/redis/test_in_time.py holds that to the second, in
virtual time. A real process on a busy machine is given five times as long."""


async def until(condition, *, seconds=PATIENCE):
    """Wait until the condition (plain or async) holds, and give what it answered; fails after the deadline."""
    with trio.fail_after(seconds):
        while True:
            answer = condition()
            if hasattr(answer, "__await__"):
                answer = await answer
            if answer:
                return answer
            await trio.sleep(0.01)  # another process tells nothing


class GatewayProcess:
    """Run `trio-gateway serve`; it may be killed, stopped and started again on the same data and ports."""

    def __init__(self, directory: Path, *options: str, open_files: int = 0) -> None:
        self.directory = directory
        self.open_files = open_files
        self.options = options
        self.port, self.admin_port = free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        directory.mkdir(parents=True, exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        """Give what also lets the other commands find this gateway."""
        others = {name: value for name, value in os.environ.items() if not name.startswith("TRIO_GATEWAY_")}
        ours = {"DATA_DIR": self.data_dir, "PORT": self.port, "ADMIN_PORT": self.admin_port}
        return others | {f"TRIO_GATEWAY_{name}": str(value) for name, value in ours.items()}

    @property
    def data_dir(self) -> Path:
        return self.directory / "data"

    @property
    def socket(self) -> str:
        """Give the path of the embedded Valkey's socket."""
        return str(socket_path(self.data_dir))

    @property
    def socket_exists(self) -> bool:
        return Path(self.socket).exists()

    @property
    def pid(self) -> int:
        assert self.process is not None, "it was started"
        return self.process.pid

    def url(self, **query: object) -> str:
        """Write the clients' URL."""
        parameters = "&".join(f"{name}={value}" for name, value in query.items())
        return f"ws://127.0.0.1:{self.port}/ws?{parameters}"

    def start_nowait(self) -> None:
        """Start the process; it may end at once."""
        self.starts += 1
        with self._log("out").open("wb") as output, self._log("err").open("wb") as errors:
            self.process = subprocess.Popen(
                [*limited(self.open_files), *PROGRAM, "serve", *self.options],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,  # as a shell's job: Ctrl-C reaches this group and nobody else
            )

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        self.start_nowait()
        await self.wait_ready()

    async def wait_ready(self) -> None:
        """Wait until it says ready; fails at once where the process ends."""

        async def ready() -> bool:
            assert self.process.poll() is None, self.errors
            return await self.reasons() == []

        await until(ready)

    async def ask(self, path: str) -> tuple[int, dict[str, object]]:
        """Ask the admin port: the status and the JSON; raises OSError or EOFError where it does not answer."""
        with trio.fail_after(10):
            stream = await trio.open_tcp_stream("127.0.0.1", self.admin_port)
            async with stream:
                request = f"GET {path} HTTP/1.1\r\nHost: localhost:{self.admin_port}\r\nConnection: close\r\n\r\n"
                await stream.send_all(request.encode())
                answer = b"".join([part async for part in stream])
        head, blank, body = answer.partition(b"\r\n\r\n")
        if not blank:
            raise EOFError("the admin port ended without an answer")
        return int(head.split()[1]), json.loads(body)

    async def health(self) -> dict[str, object]:
        """Ask for the numbers."""
        return (await self.ask("/health"))[1]

    async def reasons(self) -> list[str] | None:
        """Ask why it is not ready: [] where it is, None where nobody answers."""
        try:
            status, body = await self.ask("/health/ready")
        except (OSError, EOFError, trio.BrokenResourceError):
            return None
        assert (status == 200) == (not body.get("reasons")), body
        return body.get("reasons", [])

    async def turns_red(self) -> list[str]:
        """Wait until it is not ready, and give the reasons."""
        return await until(self.reasons, seconds=RED_SECONDS)

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait()

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def wait(self, seconds: float = PATIENCE) -> int:
        """Wait until it has ended; gives its exit code."""
        await until(lambda: self.process.poll() is not None, seconds=seconds)
        return self.process.returncode

    async def stop(self) -> int:
        """Stop it as an operator does; gives its exit code."""
        self.signal(signal.SIGTERM)
        return await self.wait()

    @property
    def output(self) -> str:
        """Read what it printed since its last start."""
        return self._log("out").read_text()

    @property
    def errors(self) -> str:
        """Read its log since its last start."""
        return self._log("err").read_text()

    async def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        """Run another of the program's commands, as in a second terminal on this machine."""
        with trio.fail_after(PATIENCE):
            return await trio.run_process(
                [*PROGRAM, *arguments], env=self.environment, capture_stdout=True, capture_stderr=True, check=check
            )

    def publisher(self) -> Publisher:
        """Publish as a back end does, through the embedded Valkey."""
        return Publisher(f"unix://{self.socket}")

    def redis(self) -> contextlib.closing[redis.Redis]:
        """Speak to the embedded Valkey."""
        return contextlib.closing(redis.Redis(unix_socket_path=self.socket, socket_timeout=10))

    def close(self) -> None:
        """End it with its Valkey, whatever state they are in."""
        if self.process is None:
            return
        valkey = children(self.pid)
        self.process.kill()
        self.process.wait()
        for pid in valkey:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _log(self, kind: str) -> Path:
        return self.directory / f"serve-{self.starts}.{kind}"


@contextlib.asynccontextmanager
async def serving(directory: Path, *options: str, open_files: int = 0):
    """Give a gateway that is ready, with an embedded Valkey unless the options say otherwise; ends with the block."""
    gateway = GatewayProcess(directory, *options, open_files=open_files)
    try:
        await gateway.start()
        yield gateway
    finally:
        gateway.close()


def limited(open_files: int) -> list[str]:
    """Write what a command is run by, so that it starts with a soft limit of so many open files."""
    return ["bash", "-c", f'ulimit -Sn {open_files}; exec "$0" "$@"'] if open_files else []


def children(pid: int) -> list[int]:
    """List a process's children."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
