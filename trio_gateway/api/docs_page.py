"""The page to read the API: static HTML from the table of methods, without a script and without the network.

Only the address in its examples is the caller's: the name under which the browser asked.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from html import escape
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from trio_gateway.admin.try_page import SAFE, host_name
from trio_gateway.api.answers import STATUS_OF
from trio_gateway.api.fields import Field, fields_of
from trio_gateway.api.methods import METHODS, Method
from trio_gateway.api.openapi import schemas
from trio_gateway.model.codes import ERROR_CODES

STYLE = files("trio_gateway.api").joinpath("docs.css").read_text("utf-8")
DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{DIGEST}'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ADDRESS = "127.0.0.1:9000"
"""In the examples, until the caller's own is put in its place."""

REQUIRED, ALWAYS = "required", "always there"
"""What is said of a request's field, and of a result's, that may not be missing."""

ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath "
    "d='M2 8h5l2-4 2 8 2-4h2' fill='none' stroke='%231a7f5a' stroke-width='2' stroke-linejoin='round' "
    "stroke-linecap='round'/%3E%3C/svg%3E"
)

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="The server API of the gateway: methods, fields, examples.">
<title>trio-gateway server API</title>
<link rel="icon" href="{icon}">
<style>{style}</style>
</head>
<body>
<header>
<h1>Server API</h1>
<p>trio-gateway {version}: publish, and control who is connected. For programs: <a href="/api/openapi.json">OpenAPI
document</a>. To see messages arrive: <a href="/">page to try it</a>.</p>
<nav aria-label="Methods"><ul>
{links}
</ul></nav>
</header>
<main>
<section>
<h2>Calling it</h2>
<p>Each method is a <code>POST</code> of a JSON object to <code>/api/&lt;method&gt;</code>. It answers with
<code>{{"result": …}}</code> or <code>{{"error": {{"code", "message", "detail"}}}}</code>, both with status 200; only
<code>batch</code> has no <code>result</code> around its replies. With the header
<code>X-Centrifugo-Error-Mode: transport</code> errors have the status of the table and are not wrapped.</p>
<p>The key is one of <code>api_keys</code>, in <code>X-API-Key: &lt;key&gt;</code>,
<code>Authorization: apikey &lt;key&gt;</code> or <code>?api_key=&lt;key&gt;</code>; without one the answer is 401. On the
gateway's own machine <code>trio-gateway api info</code> finds the key by itself.</p>
<h3>Errors</h3>
<table>
<thead><tr><th>code</th><th>message</th><th>status, if asked for</th></tr></thead>
<tbody>
{errors}
</tbody>
</table>
</section>
{methods}
</main>
</body>
</html>
"""


async def show_docs(request: Request) -> Response:
    """Answer with the page; raises HTTPException (400) where the Host header is none."""
    host_name(request)
    html = _page().replace(ADDRESS, request.headers["host"])
    return HTMLResponse(html, headers={**SAFE, "Content-Security-Policy": POLICY})


@cache
def _page() -> str:
    return PAGE.format(
        icon=ICON,
        style=STYLE,
        version=version("trio-gateway"),
        links=_lines(f'<li><a href="#{name}">{name}</a></li>' for name in METHODS),
        errors=_lines(
            f"<tr><td>{code.code}</td><td>{escape(code.message)}</td><td>{STATUS_OF[code.code]}</td></tr>"
            for code in ERROR_CODES
            if code.code in STATUS_OF
        ),
        methods=_lines(_section(method) for method in METHODS.values()),
    )


def _section(method: Method) -> str:
    answer = {"result": method.answer} if method.wrapped else method.answer
    return _lines(
        [
            f'<section class="method" id="{method.name}">',
            f"<header><h2><code>{method.name}</code></h2><p>{_prose(method.sentence)}</p></header>",
            f"<div><h3>Request</h3>{_fields(method.request, REQUIRED)}<h3>Result</h3>{_fields(method.result, ALWAYS)}</div>",
            f"<div><h3>Example</h3><pre>{_curl(method)}</pre>",
            f"<h3>Answer</h3><pre>{escape(_indented(answer), quote=False)}</pre></div>",
            "</section>",
        ]
    )


def _fields(kind: type, mark: str) -> str:
    rows = [_field(field, mark) for field in fields_of(kind.__name__, schemas())]
    return f"<dl>{_lines(rows)}</dl>" if rows else "<p>An empty object.</p>"


def _field(field: Field, mark: str) -> str:
    needed = f'<span class="needed">{mark}</span>' if field.required else ""
    path, type = escape(field.path), escape(field.type)
    return f'<dt><code>{path}</code><span class="type">{type}</span>{needed}</dt><dd>{_prose(field.meaning)}</dd>'


def _prose(text: str) -> str:
    """Turn `code` in a sentence into an element."""
    parts = escape(text, quote=False).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))


def _curl(method: Method) -> str:
    """Write the call as HTML; where a line is too long for the page, it breaks before a word and not before its backslash."""
    body = escape(json.dumps(method.example), quote=False)
    return (
        f"curl http://{ADDRESS}/api/<span>{method.name} \\</span>\n"
        f'  -H <span>"X-API-Key: $API_KEY" \\</span>\n'
        f"  -d '{body}'"
    )


def _indented(value: Any) -> str:
    return json.dumps(value, indent=2)


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)
