"""The opening of a connection: first what the request says, then who that is.

Reading it needs no secret and no clock; `identify` needs both, and nothing else of the request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from trio_gateway.model.errors import BadRequest, TokenExpired, Unauthorized
from trio_gateway.model.position import Position
from trio_gateway.model.user import User, check_device, check_user_id
from trio_gateway.session.claims import ConnectionClaims
from trio_gateway.session.connecting import Admission
from trio_gateway.session.tokens import Verifier
from trio_gateway.wire.request import Request

SUBPROTOCOL: Final = "trio-gateway"
"""What the reply picks for a client that sends its token as the pair `["trio-gateway", "<token>"]`."""

JSON_SUBPROTOCOL: Final = "centrifuge-json"
BINARY_SUBPROTOCOL: Final = "centrifuge-protobuf"

_BEARER: Final = "bearer "


@attrs.frozen
class Opening:
    """Say what a client asks for when it connects.

    `user` is whom it claims to be, which counts only for an insecure server; `since` None: from the
    device's cursor, or the end. `json_ping` asks for pings in the protocol instead of WebSocket
    ones. `subprotocol` is the one to answer with, None for none.
    """

    token: str | None = attrs.field(repr=False)
    user: str | None
    device: str | None
    since: Position | None
    json_ping: bool
    subprotocol: str | None


def read_opening(request: Request) -> Opening:
    """Read the parameters of the plain protocol; unknown ones are ignored.

    The header Last-Event-ID, with which a browser comes back to a stream of events, wins over `since`,
    which is still the one that the stream was opened with (HTML §9.2.4).

    Raises BadRequest for a malformed or repeated parameter, and for places that disagree about the
    token or the user.
    """
    device = _parameter(request, "device")
    since = request.headers.get("last-event-id") or _parameter(request, "since")
    offered = SUBPROTOCOL in request.subprotocols
    return Opening(
        token=_read_token(request),
        user=_agreed("user", _parameter(request, "user"), _parameter(request, "uid")),
        device=None if device is None else check_device(device),
        since=None if since is None else Position.parse_since(since),
        json_ping=_read_ping(request),
        subprotocol=SUBPROTOCOL if offered else None,
    )


@attrs.frozen
class SdkOpening:
    """Say what a client of the Centrifugo protocol asks for at the upgrade (protocol §1.1); who it is comes later.

    `subprotocol` and `json_ping` are as in Opening. An `unspoken` protocol is the binary one: it is picked
    all the same, since browsers hear why they are closed only after a handshake that they take for good.
    """

    subprotocol: str | None
    json_ping: bool
    unspoken: bool


def read_sdk_opening(request: Request) -> SdkOpening:
    """Read the parameters of the Centrifugo protocol; raises BadRequest for a repeated one."""
    formats = (_parameter(request, "format"), _parameter(request, "cf_protocol"))
    offered = [name for name in (JSON_SUBPROTOCOL, BINARY_SUBPROTOCOL) if name in request.subprotocols]
    subprotocol = offered[0] if offered else None
    return SdkOpening(
        subprotocol=subprotocol,
        json_ping=_parameter(request, "cf_ws_frame_ping_pong") != "true",
        unspoken="protobuf" in formats or subprotocol == BINARY_SUBPROTOCOL,
    )


def read_connect(request: Request, *, otherwise: bytes | None) -> bytes | None:
    """Read the command to connect that a request carries in its query, `otherwise` where it has none; raises BadRequest for two."""
    command = _parameter(request, "cf_connect")
    return otherwise if command is None else command.encode()


def identify(opening: Opening, verifier: Verifier, *, insecure: bool) -> Admission:
    """Find out who the client is: the user of its token, or, on an insecure server without one, whom it claims to be.

    Raises Unauthorized without a valid identity (a token that is present must be valid all the
    same, and a server without a key takes none), BadRequest for a claimed user id that no user can
    have; UnknownKey where the token's key may be fetched.
    """
    device = opening.device or ""
    if opening.token is not None:
        if not verifier.is_configured:
            raise Unauthorized("the server has no token secret to check the token with")
        return Admission.of(_verify(opening.token, verifier), device=device)
    if not insecure:
        raise Unauthorized("the client sent no token")
    if opening.user is None:
        raise Unauthorized("the client sent neither a token nor a user")
    return Admission(user=User(check_user_id(opening.user)), device=device)


def _verify(token: str, verifier: Verifier) -> ConnectionClaims:
    try:
        return verifier.connection(token)
    except TokenExpired as error:
        raise Unauthorized(str(error)) from error  # the plain protocol knows no other word


def _parameter(request: Request, name: str) -> str | None:
    values = request.query.get(name)
    if values is None:
        return None
    if len(values) > 1:
        raise BadRequest(f"the parameter {name} was given more than once")
    return values[0]


def _read_token(request: Request) -> str | None:
    header = request.headers.get("authorization", "")
    bearer = header[len(_BEARER) :].strip() if header.lower().startswith(_BEARER) else None
    return _agreed("token", _parameter(request, "token"), bearer, _read_subprotocol_token(request.subprotocols))


def _read_subprotocol_token(subprotocols: Sequence[str]) -> str | None:
    if SUBPROTOCOL not in subprotocols:
        return None
    behind = subprotocols.index(SUBPROTOCOL) + 1
    return subprotocols[behind] if behind < len(subprotocols) else None


def _read_ping(request: Request) -> bool:
    ping = _parameter(request, "ping")
    if ping not in (None, "json"):
        raise BadRequest("the parameter ping is json or left out")
    return ping == "json"


def _agreed(what: str, *given: str | None) -> str | None:
    values = {value for value in given if value is not None}
    if len(values) > 1:
        raise BadRequest(f"the {what} was given more than once, and not the same")
    return values.pop() if values else None
