"""The options of the hooks that a back end answers over HTTP: the rules of each hook."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from trio_gateway.model.codes import DisconnectCode, ErrorCode
from trio_gateway.settings import kinds
from trio_gateway.settings.kind import Kind, many, require, text
from trio_gateway.settings.option import HIDDEN, InvalidOption, hide_password, option

HEADER: Final = re.compile(r"[-!#$%&'*+.^_`|~0-9a-zA-Z]{1,128}")
HEADER_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
"""Blanks at the ends are no part of a value (RFC 9110 §5.5), and h11 writes none with them."""

KEPT_BACK: Final = frozenset(
    {
        *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),
        *("proxy-authenticate", "proxy-authorization", "proxy-connection", "expect", "host"),
        *("accept-encoding", "content-encoding", "content-length", "content-type"),
        *("sec-websocket-accept", "sec-websocket-extensions", "sec-websocket-key"),
        *("sec-websocket-protocol", "sec-websocket-version"),
    }
)
"""Headers that are never passed on: those of one link (RFC 9110 §7.6.1), those that frame a message, the handshake's."""

ERROR_CODES: Final = range(100, 2000)
APPLICATION_DISCONNECTS: Final = range(3000, 5000)
MAX_REASON: Final = 123
"""Bytes of a Close frame's reason (RFC 6455 §5.5)."""


@attrs.frozen
class StatusTransform:
    """Say what a status of the back end's answer means for the client: an error, or the end of its connection."""

    status: int
    outcome: ErrorCode | DisconnectCode


def _url(raw: Any) -> str:
    import httpx  # noqa: PLC0415 (takes its time to import)

    parts = urlsplit(kinds.HTTP_URL.read(raw))
    require(bool(parts.hostname) and parts.port != 0, raw)  # the port raises ValueError where it is no number
    try:
        url = httpx.URL(raw)
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from error
    url.raw_host.decode("ascii").encode("idna")  # as who asks does: no name has an empty label, or one beyond 63 bytes
    return str(raw)


def _header(raw: Any) -> str:
    name = text(raw)
    return str(require(bool(HEADER.fullmatch(name)) and name.lower() not in KEPT_BACK, raw))


def _static(raw: Any) -> Mapping[str, str]:
    return {_header(name): _header_value(value) for name, value in _table(raw).items()}


def _table(raw: Any) -> Mapping[str, Any]:
    require(isinstance(raw, Mapping), raw)
    return raw  # type: ignore[no-any-return]  # it is one


def _header_value(raw: Any) -> str:
    # What `trio-gateway config` prints in a secret's place must never become one.
    return str(require(bool(HEADER_VALUE.fullmatch(text(raw))) and raw != HIDDEN, raw))


def _transform(raw: Any) -> StatusTransform:
    table = dict(_table(raw))
    status, error, end = (table.pop(name, None) for name in ("status_code", "to_error", "to_disconnect"))
    require(not table and type(status) is int and 300 <= status <= 599 and (error is None) is not (end is None), raw)
    return StatusTransform(status, _error(dict(_table(error))) if error is not None else _disconnect(dict(_table(end))))


def _error(table: dict[str, Any]) -> ErrorCode:
    code, message, temporary = table.pop("code", None), table.pop("message", ""), table.pop("temporary", False)
    require(not table and type(code) is int and code in ERROR_CODES and isinstance(temporary, bool), table)
    return ErrorCode(code, str(message), temporary)


def _disconnect(table: dict[str, Any]) -> DisconnectCode:
    code, reason = table.pop("code", None), str(table.pop("reason", ""))
    require(not table and type(code) is int and code in APPLICATION_DISCONNECTS, table)
    require(len(reason.encode()) <= MAX_REASON, reason)
    return DisconnectCode(code, reason)


def _written(transforms: tuple[StatusTransform, ...]) -> list[dict[str, Any]]:
    """Turn transforms back into what TOML holds."""
    written = []
    for one in transforms:
        outcome: dict[str, Any] = {"code": one.outcome.code}
        if isinstance(one.outcome, ErrorCode):
            outcome |= {"message": one.outcome.message, "temporary": one.outcome.temporary}
        else:
            outcome |= {"reason": one.outcome.reason}
        name = "to_error" if isinstance(one.outcome, ErrorCode) else "to_disconnect"
        written.append({"status_code": one.status, name: outcome})
    return written


def _twice(values: Iterable[Any]) -> list[Any]:
    """Find what is there more than once."""
    return [value for value, count in Counter(values).items() if count > 1]


URL = Kind("a URL such as https://app.example.com/hooks/connect", _url, "URL")
HEADERS = many(Kind("", _header, "NAME"), expected="names of headers, and none of one link or of the message itself")
STATIC_HEADERS = Kind(
    "a table of headers, none of one link or of the message itself, to text in ASCII without blanks at its ends",
    _static,
    "TABLE",
)
TRANSFORMS = Kind(
    "tables of a status_code from 300 to 599 and either to_error (code from 100 to 1999, message, temporary) "
    "or to_disconnect (code from 3000 to 4999, reason)",
    lambda raw: tuple(map(_transform, require(isinstance(raw, list | tuple), raw))),
    "TABLES",
    _written,
)


@attrs.frozen(kw_only=True)
class HookRules:
    """Say where and how a back end is asked for one hook; raises InvalidOption when a value is wrong."""

    url: str = option(
        "",
        URL,
        "Where the back end is asked: by a POST, whose body is JSON.",
        hide=hide_password,
        unset="needed",
        example="https://app.example.com/hooks/connect",
    )
    timeout: float = option(1.0, kinds.DURATION, "How long an answer may take, with the wait for its turn.")
    max_concurrent: int = option(100, kinds.COUNT, "Requests that are under way at a time, on this node.")
    max_waiting: int = option(
        500, kinds.COUNT_OR_NONE, "Requests that wait for their turn; further ones fail at once, with error 100."
    )
    http_headers: tuple[str, ...] = option((), HEADERS, "Headers of the client's request that are passed on.")
    emulated_headers: tuple[str, ...] = option(
        (), HEADERS, "Headers that an SDK's client wrote into its `connect`, and could forge, that are passed on."
    )
    static_headers: Mapping[str, str] = option(
        attrs.Factory(dict),
        STATIC_HEADERS,
        "Headers that every request has, such as a key by which the back end knows the gateway.",
        hide=lambda headers: dict.fromkeys(headers, HIDDEN),
    )
    include_connection_meta: bool = option(
        False, kinds.FLAG, "Whether the client's `meta`, from its token or `connect`, is sent along."
    )
    status_to_code_transforms: tuple[StatusTransform, ...] = option(
        (), TRANSFORMS, "What an answer of another status than 200 means for the client, instead of error 100."
    )

    def __attrs_post_init__(self) -> None:
        if names := _twice(map(str.lower, self.static_headers)):
            raise InvalidOption("static_headers", f"expected {names[0]} once, in capitals or not")
        if statuses := _twice(one.status for one in self.status_to_code_transforms):
            raise InvalidOption("status_to_code_transforms", f"expected the status_code {statuses[0]} once")
        passed = {name.lower() for name in (*self.http_headers, *self.emulated_headers)}
        if clash := sorted(name for name in self.static_headers if name.lower() in passed):
            raise InvalidOption(
                "static_headers", f"expected no {clash[0]}, as a client could replace it by the one that is passed on"
            )


PROLONGING: Final = ("refresh", "sub_refresh")
"""Hooks to which an error is no answer: there is nobody to whom it could be told."""


@attrs.frozen(kw_only=True)
class BackEndRules:
    """Hold the rules of each hook, None where no back end is asked; raises InvalidOption for what a hook can't answer."""

    connect: HookRules | None = None
    subscribe: HookRules | None = None
    publish: HookRules | None = None
    rpc: HookRules | None = None
    refresh: HookRules | None = None
    sub_refresh: HookRules | None = None
    disconnected: HookRules | None = None

    def __attrs_post_init__(self) -> None:
        for name, rules in self.given():
            transforms = rules.status_to_code_transforms
            option = f"{name}.status_to_code_transforms"
            if name == "disconnected" and transforms:
                raise InvalidOption(option, "expected none, as the client has gone and can be told nothing")
            if name in PROLONGING and any(isinstance(one.outcome, ErrorCode) for one in transforms):
                raise InvalidOption(
                    option,
                    "expected no to_error, as an error is no answer to this hook; to_disconnect ends the connection",
                )

    def given(self) -> Iterator[tuple[str, HookRules]]:
        """Go through the hooks that a back end answers."""
        return ((name, rules) for name, rules in attrs.asdict(self, recurse=False).items() if rules)


HOOKS: Final = tuple(field.name for field in attrs.fields(BackEndRules))
