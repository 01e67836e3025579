"""Every kind of URL reaches a real server: TCP, Unix sockets and TLS, with password and database."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from functools import partial

import hiredis
import pytest
import trio
from ports import free_port

from tests.broker.recorder import Recorder
from tests.broker.redis.fake_server import usual
from tests.broker.valkey import running, until
from trio_gateway.broker.limits import Limits
from trio_gateway.broker.redis.address import parse_address
from trio_gateway.broker.redis.broker import RedisBroker
from trio_gateway.broker.redis.connection import Connection
from trio_gateway.broker.redis.handshake import check_memory
from trio_gateway.settings.namespaces import Namespaces


def make(url):
    return RedisBroker(url, prefix="tg", namespaces=Namespaces(), limits=Limits(), node="one")


async def test_tcp_with_a_password_and_a_database(tmp_path, nursery):
    port = free_port()
    options = ("--port", str(port), "--bind", "127.0.0.1")
    with running(tmp_path, *options) as valkey, valkey.client(db=3) as client:
        client.config_set("requirepass", "p@ss")
        broker = make(f"redis://:p%40ss@127.0.0.1:{port}/3")
        await nursery.start(broker.serve, Recorder())
        await until(lambda: not broker.health().reasons)
        await broker.publish("#7", b"1")

        assert client.exists("tg:{#7}:m")
        nursery.cancel_scope.cancel()


async def test_a_unix_socket_with_a_user_and_a_database(tmp_path, nursery):
    with running(tmp_path) as valkey, valkey.client(db=2) as client:
        client.acl_setuser(
            "gateway", enabled=True, passwords=["+secret"], keys=["*"], channels=["*"], commands=["+@all"]
        )
        broker = make(valkey.url.replace("unix://", "unix://gateway:secret@") + "?db=2")
        await nursery.start(broker.serve, Recorder())
        await until(lambda: not broker.health().reasons)
        await broker.publish("#7", b"1")

        assert client.exists("tg:{#7}:m")
        assert {entry["user"] for entry in client.client_list() if "tg:one" in entry["name"]} == {"gateway"}
        nursery.cancel_scope.cancel()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Make a certificate for the loopback address."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(
        [*command.split(), "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True
    )
    return folder


async def serve_tls(certificate, nursery):
    """Serve a made-up Redis with TLS; answers its port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")

    async def answer(stream):
        reader = hiredis.Reader()
        try:
            while data := await stream.receive_some(65536):
                reader.feed(bytes(data))
                while (command := reader.gets()) is not False:
                    await stream.send_all(usual(command))
        except trio.BrokenResourceError:
            return

    serve = partial(trio.serve_ssl_over_tcp, answer, 0, context, host="127.0.0.1", https_compatible=True)
    (listener,) = await nursery.start(serve)
    return listener.transport_listener.socket.getsockname()[1]


async def test_tls_with_a_certificate_that_is_trusted(certificate, nursery):
    port = await serve_tls(certificate, nursery)
    address = parse_address(f"rediss://127.0.0.1:{port}?ssl_ca_certs={certificate}/cert.pem")
    connection = Connection(address, "test", prepare=check_memory)
    nursery.start_soon(connection.serve)
    with trio.fail_after(20):
        await connection.wait_up()

    assert await connection.call("PING") == b"OK"
    nursery.cancel_scope.cancel()


async def test_a_certificate_that_nobody_trusts_is_refused(certificate, nursery):
    port = await serve_tls(certificate, nursery)
    connection = Connection(parse_address(f"rediss://127.0.0.1:{port}"), "test", prepare=check_memory)
    nursery.start_soon(connection.serve)

    await until(lambda: "CERTIFICATE_VERIFY_FAILED" in connection.reason)
    nursery.cancel_scope.cancel()
