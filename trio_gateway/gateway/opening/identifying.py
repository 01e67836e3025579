"""Who a client of the plain protocol is, its request says: by a token, to the application, or by its word where that counts."""

from __future__ import annotations

from uuid import uuid4

from trio_gateway.gateway.nodes.node import Node
from trio_gateway.hooks.asking import ask_who, call
from trio_gateway.hooks.headers import choose
from trio_gateway.hooks.requests import ConnectRequest
from trio_gateway.model.codes import INVALID_TOKEN
from trio_gateway.model.errors import Disconnected, PermissionDenied, Refused, RequestError, Unauthorized
from trio_gateway.model.user import ANONYMOUS
from trio_gateway.session.client import Client
from trio_gateway.session.connecting import Admission, check_admission
from trio_gateway.session.opening import Opening, identify, read_opening
from trio_gateway.wire.request import Request


def nobody(node: Node, request: Request, address: str, protocol: str, transport: str) -> Client:
    """Make a client of a request, before anybody knows who it is."""
    headers = choose(request.headers, node.hooks.headers)
    return Client(str(uuid4()), ANONYMOUS, "", address, protocol, transport=transport, headers=headers)


async def identify_plain(node: Node, request: Request, client: Client) -> tuple[Opening, Admission]:
    """Read what the request of a client asks for, and find out whose it is.

    Raises the RequestError that refuses it, BrokerUnavailable where that can't be known now, and whatever the
    application's own functions break with.
    """
    opening = read_opening(request)
    device = opening.device or ""
    if node.hooks.authenticate is not None:
        admission = Admission(user=await call(node.hooks.authenticate, request), device=device)
    elif node.asks_who(opening.token):
        admission = await _ask_who(node, ConnectRequest(client=client, http=request), device)
    else:
        admission = await node.keys.check(lambda: identify(opening, node.verifier, insecure=node.settings.insecure))
    if not admission.user.id:
        raise Unauthorized("nobody has an inbox: a user is needed here")
    return opening, admission


async def _ask_who(node: Node, request: ConnectRequest, device: str) -> Admission:
    try:
        return check_admission(await ask_who(node.hooks, request, device), node.settings, node.clock())
    except Disconnected as kept_out:
        raise refused_at_once(kept_out) from kept_out


def refused_at_once(kept_out: Disconnected) -> Refused:
    """Turn what would end a connection into what refuses its opening, in the same words, and for as long."""
    disconnect = kept_out.disconnect
    return Refused(disconnect.code, disconnect.reason, temporary=not disconnect.terminal)


def refused_plain(kept_out: Disconnected) -> RequestError:
    """Turn what would end a connection into what refuses a request."""
    refused = Unauthorized if kept_out.disconnect is INVALID_TOKEN else PermissionDenied
    return refused(kept_out.disconnect.reason)
