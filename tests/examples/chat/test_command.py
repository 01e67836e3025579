"""The chat's one command: what it says where it can't run. Where it can, tests/browser/test_chat.py uses it."""

from __future__ import annotations

import http.server
import socket
import subprocess
import sys
import threading

import pytest
from ports import free_port

from examples.chat.__main__ import chat


@pytest.fixture
def options(tmp_path):
    return {"port": free_port(), "gateway_port": free_port(), "admin_port": free_port(), "data_dir": tmp_path / "data"}


def test_a_port_in_use_is_named_in_one_line(options, capfd):
    with socket.create_server(("127.0.0.1", options["port"])):
        assert chat(**options) == 1

    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("chat: error: ")
    assert f"port {options['port']} of 127.0.0.1: Address already in use; choose another by --port" in line


def test_another_gateway_at_its_port_is_not_taken_for_its_own(options, capfd, tmp_path):
    """That one is ready, and this chat is not."""

    class Ready(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def do_POST(self):
            self.send_response(401)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", options["admin_port"]), Ready) as another:
        threading.Thread(target=another.serve_forever).start()
        try:
            assert chat(**options) == 1
        finally:
            another.shutdown()

    said = capfd.readouterr()
    assert "The chat is ready" not in said.out
    assert "the gateway can't run" in said.err


def test_a_gateway_that_can_not_run_says_why_and_ends_the_chat(options, capfd):
    with socket.create_server(("127.0.0.1", options["gateway_port"])):
        assert chat(**options) == 1

    why, where = capfd.readouterr().err.splitlines()
    assert f"port {options['gateway_port']}" in why
    assert where.startswith("chat: error: the gateway can't run")


def test_broken_secrets_are_named_in_one_line(options, capfd):
    options["data_dir"].mkdir()
    (options["data_dir"] / "keys.json").write_text("{")

    assert chat(**options) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert "keys.json is broken" in line


def test_a_missing_package_is_named_with_what_installs_it():
    program = (
        "import sys; sys.modules['itsdangerous'] = None; from examples.chat.__main__ import chat; sys.exit(chat())"
    )
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60)

    assert ended.returncode == 1
    assert ended.stderr == (
        "chat: error: the package itsdangerous is not installed: .venv/bin/pip install '.[examples]'\n"
    )
