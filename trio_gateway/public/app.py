"""The public app: what each path of the clients' port answers that opens no connection of a client."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from trio_gateway.gateway.nodes.node import Node
from trio_gateway.model.errors import BrokerUnavailable, Disconnected, RequestError
from trio_gateway.public.client_module import client_routes
from trio_gateway.public.cross_origin import CrossOrigin
from trio_gateway.public.emulation import emulation_routes
from trio_gateway.public.front_page import front_routes
from trio_gateway.public.plain import plain_routes
from trio_gateway.public.refusing import refuse
from trio_gateway.wire.refusal import RequestRefused


def make_public_app(node: Node, *more: BaseRoute) -> ASGIApp:
    """Make the app of one node.

    - `/` is a short page that tells what this is.
    - `/client.js` is the JavaScript client.
    - `/emulation` takes commands of clients whose connection is a stream (protocol §11).
    - `/ack`, `/send` and `/publish` are what the frames of these types are in the plain protocol.
    - `more` routes are those of whoever else stands on this port, such as the health checks.
    """
    errors = (HTTPException, RequestError, RequestRefused, BrokerUnavailable, Disconnected, Exception)
    app = Starlette(
        routes=[*front_routes(node), *client_routes(), *emulation_routes(node), *plain_routes(node), *more],
        exception_handlers=dict.fromkeys(errors, refuse),
    )
    app.router.redirect_slashes = False  # a redirect names a scheme, which behind a proxy is not the client's
    return CrossOrigin(app, node.settings.allowed_origins)
