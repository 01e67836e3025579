"""Who a client of the plain protocol is, its request says: by a token, to the application, or by its word where that counts."""

from __future__ import annotations

from trio_gateway.gateway.node import Node
from trio_gateway.model.errors import Unauthorized
from trio_gateway.session.connecting import Admission
from trio_gateway.session.opening import Opening, identify, read_opening
from trio_gateway.wire.request import Request


async def identify_plain(node: Node, request: Request) -> tuple[Opening, Admission]:
    """Read what a request asks for, and find out whose it is.

    Raises the RequestError that refuses it, BrokerUnavailable where that can't be known now, and whatever the
    application's own authentication breaks with.
    """
    opening = read_opening(request)
    if node.hooks.authenticate is not None:
        admission = Admission(user=await node.hooks.authenticate(request), device=opening.device or "")
    else:
        admission = await node.keys.check(lambda: identify(opening, node.verifier, insecure=node.settings.insecure))
    if not admission.user.id:
        raise Unauthorized("nobody has an inbox: a user is needed here")
    return opening, admission
