"""A child process is tied to its parent, and always waited for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
import trio

from tests.embedded.running_valkey import until
from trio_gateway.embedded.process import LAUNCH, start_process, stop_process, wait_exit


@pytest.fixture
def start(tmp_path):
    """Give a function that starts `sh -c SCRIPT`, with a descriptor to keep."""
    descriptor = os.open(tmp_path / "kept", os.O_RDWR | os.O_CREAT)
    yield lambda script: start_process(["/bin/sh", "-c", script], cwd=tmp_path, log=tmp_path / "log", keep=descriptor)
    os.close(descriptor)


async def test_the_exit_code_is_returned(start):
    assert await wait_exit(start("exit 7")) == 7


async def test_without_pidfd_the_exit_code_is_returned_as_well(start, monkeypatch):
    def refuse(pid):
        raise OSError

    monkeypatch.setattr(os, "pidfd_open", refuse, raising=False)
    assert await wait_exit(start("exit 7")) == 7


async def test_output_goes_to_the_log(start, tmp_path):
    await wait_exit(start("echo out; echo err >&2"))
    assert (tmp_path / "log").read_text() == "out\nerr\n"


async def test_the_child_has_a_session_of_its_own(start):
    process = start("exec sleep 100")
    assert os.getsid(process.pid) == process.pid
    await stop_process(process, patience=20)


async def test_a_child_is_asked_to_end_and_not_killed(start, tmp_path):
    process = start("trap 'echo bye; exit 0' TERM; echo hi; while :; do sleep 0.1; done")
    await until((tmp_path / "log").read_text)
    await stop_process(process, patience=20)
    assert process.returncode == 0
    assert (tmp_path / "log").read_text() == "hi\nbye\n"


async def test_a_child_that_does_not_end_is_killed(start, tmp_path):
    process = start("trap '' TERM; echo hi; while :; do sleep 0.1; done")
    await until((tmp_path / "log").read_text)
    await stop_process(process, patience=0.1)
    assert process.returncode == -signal.SIGKILL


async def test_stopping_goes_to_its_end_in_a_cancelled_scope(start):
    process = start("exec sleep 100")
    with trio.CancelScope() as scope:
        scope.cancel()
        await stop_process(process, patience=20)
    assert process.returncode is not None


async def test_stopping_a_child_that_has_ended_does_nothing(start):
    process = start("exit 7")
    await wait_exit(process)
    await stop_process(process, patience=20)
    assert process.returncode == 7


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the signal")
def test_a_child_whose_parent_is_gone_already_does_not_start():
    not_the_parent = str(os.getppid())
    done = subprocess.run(
        [sys.executable, "-I", "-S", LAUNCH, not_the_parent, "/bin/echo", "started"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "the gateway ended" in done.stderr
    assert not done.stdout
