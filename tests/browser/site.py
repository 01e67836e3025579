"""An application's own web server, which serves its pages and what they load, and tells a gateway whose session it is."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.cookies import SimpleCookie
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PAGES = Path(__file__).parent / "pages"


SESSION = "session"
"""The cookie that says who a page's user is, by nothing but the user."""

CONNECT = "/connect"
"""Where the gateway asks who a client is (docs/hooks.md)."""


class Quiet(SimpleHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        session = SimpleCookie(self.headers["Cookie"]).get(SESSION)
        refusal = {"error": {"code": 401, "message": "log in first"}}
        answer = refusal if session is None else {"result": {"user": session.value}}
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def serving(folder: Path, *scripts: Path) -> Iterator[str]:
    """Serve the pages and these scripts from an empty folder; gives the origin."""
    shutil.copytree(PAGES, folder, dirs_exist_ok=True)
    for script in scripts:
        shutil.copy(script, folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
