"""The gateway of the chat: `trio-gateway serve` as a child process, started again when it was killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import attrs
import httpx
import trio

from examples.chat.keys import Keys

CONFIGURATION = Path(__file__).with_name("gateway.toml")

START_SECONDS = 30.0
"""For the gateway and its Valkey to be ready; two are enough, but the machine may be busy."""

PAUSE_SECONDS = 0.5
"""Before it is started again."""

TOLD = (1, 2)
"""Exit codes with which it has said on stderr why it can't run; doing the same again would end the same."""

PROGRAM = [sys.executable, "-c", "import sys; from trio_gateway.cli.main import main; sys.exit(main())"]


class GatewayFailed(Exception):
    """The gateway does not run, and trying again is no use."""


@attrs.frozen
class GatewayProgram:
    """Run the gateway with its addresses and secrets."""

    host: str
    port: int
    admin_port: int
    directory: Path
    keys: Keys

    @property
    def api_url(self) -> str:
        """Give the URL of the HTTP API, which is this machine's alone."""
        return f"http://127.0.0.1:{self.admin_port}/api"

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run it until cancelled, then have it drain; reports as started when it is ready. Raises GatewayFailed."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._run_again_and_again)
            with trio.move_on_after(START_SECONDS) as waiting:
                await self._wait_ready()
            if waiting.cancelled_caught:
                raise GatewayFailed("the gateway is not ready")
            task_status.started()

    async def _run_again_and_again(self) -> None:
        while True:
            ended = await trio.run_process(
                [*PROGRAM, "serve", "--config", str(CONFIGURATION), "--log-level", "warning"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                check=False,
                start_new_session=True,  # Ctrl-C is for the command alone, which ends it in its turn
            )
            if ended.returncode in TOLD:
                raise GatewayFailed(
                    "the gateway can't run, as it said above (its ports are --gateway-port and --admin-port)"
                )
            print("the gateway has ended, and is started again", file=sys.stderr)
            await trio.sleep(PAUSE_SECONDS)

    @property
    def _environment(self) -> dict[str, str]:
        """Give it what is no part of the configuration: secrets are in no file of others, and in no list of processes."""
        options = {
            "HOST": self.host,
            "PORT": self.port,
            "ADMIN_HOST": "127.0.0.1",
            "ADMIN_PORT": self.admin_port,
            "DATA_DIR": self.directory,
            "TOKEN_SECRET": self.keys.token_secret,
            "API_KEYS": self.keys.api_key,
        }
        others = {name: value for name, value in os.environ.items() if not name.startswith("TRIO_GATEWAY_")}
        return others | {f"TRIO_GATEWAY_{name}": str(value) for name, value in options.items()}

    async def _wait_ready(self) -> None:
        """Wait until it answers to its key, which no other gateway at this port does."""
        async with httpx.AsyncClient(trust_env=False, headers={"X-API-Key": self.keys.api_key}) as client:
            while not await self._answers(client):  # noqa: ASYNC110 - another process tells nothing
                await trio.sleep(0.05)

    async def _answers(self, client: httpx.AsyncClient) -> bool:
        try:
            ready = await client.get(f"http://127.0.0.1:{self.admin_port}/health/ready")
            return ready.is_success and (await client.post(f"{self.api_url}/info", json={})).is_success
        except httpx.TransportError:
            return False  # it does not listen yet
