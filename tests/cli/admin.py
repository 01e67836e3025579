"""An admin port that answers as it is told, and writes down what it was asked."""

from __future__ import annotations

import http.server


class Admin(http.server.BaseHTTPRequestHandler):
    """Answer with `status` and `body`; `asked` is the last request's method, path, API key and body."""

    status, body = 200, b"{}"
    asked: tuple[str, str, str | None, bytes]

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        type(self).asked = (self.command, self.path, self.headers["X-API-Key"], self.rfile.read(length))
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_arguments: object) -> None:
        pass
