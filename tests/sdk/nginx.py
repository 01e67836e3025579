"""Debian's nginx in front of gateways, as operators run it: one that holds responses back, and one that passes them on."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from ports import free_port
from programs import find_program
from sdk.nodes import sdk_url

BUFFERING = ""
"""As nginx is without a word: HTTP/1.0 behind it, and responses held back until a buffer is full."""

STREAMING = "proxy_http_version 1.1; proxy_set_header Connection ''; proxy_buffering off; proxy_request_buffering off;"
"""As its documentation advises for streams."""

CONFIG = """\
daemon off; pid {folder}/nginx.pid; error_log stderr;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream gateways {{ {servers} }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://gateways; proxy_set_header Host $http_host; {options} }}
  }}
}}
"""


class Nginx:
    """Be reached as a gateway is."""

    def __init__(self, port: int) -> None:
        self.port = port

    @property
    def sdk_url(self) -> str:
        return sdk_url(self.port)


@contextlib.contextmanager
def running(folder: Path, options: str, ports: list[int]) -> Iterator[Nginx]:
    """Run nginx in front of the gateways at these ports, in turn; skips or fails the test where it is not there."""
    program, port = find_program("nginx"), free_port()
    servers = " ".join(f"server 127.0.0.1:{each};" for each in ports)
    config = folder / "nginx.conf"
    config.write_text(CONFIG.format(folder=folder, servers=servers, port=port, options=options))
    process = subprocess.Popen([program, "-c", str(config), "-e", "stderr"], stdin=subprocess.DEVNULL)
    try:
        yield Nginx(port)
    finally:
        process.terminate()
        process.wait()
