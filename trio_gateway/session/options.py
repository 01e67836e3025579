"""What a token or the application says of a subscription has one shape in JSON; JSON for clients is kept as compact text."""

from __future__ import annotations

import binascii
from typing import Final

import msgspec
from msgspec import Raw, Struct

from trio_gateway.model.directives import Override
from trio_gateway.session.claims import NO_OVERRIDE

MALFORMED: Final = (msgspec.MsgspecError, ValueError, RecursionError)
"""What text that is no JSON raises, or JSON that is nested too deeply (older releases of msgspec: no ValueErrors)."""

_strict = msgspec.json.Decoder(float_hook=len)  # a number is judged as text: 1e999 is JSON


class Value(Struct):
    """Hold a choice; without one the namespace's holds."""

    value: bool


class OverrideOptions(Struct):
    """Hold choices in place of a namespace's."""

    presence: Value | None = None
    join_leave: Value | None = None
    force_push_join_leave: Value | None = None
    force_recovery: Value | None = None
    force_positioning: Value | None = None


class SubscriptionOptions(Struct, kw_only=True):
    """Hold what is said of one subscription."""

    info: Raw = Raw()
    b64info: str = ""
    data: Raw = Raw()
    b64data: str = ""
    override: OverrideOptions | None = None


def read_override(given: OverrideOptions | None) -> Override:
    """Give the choices as the gateway has them."""
    if given is None:
        return NO_OVERRIDE
    return Override(**{name: value and value.value for name, value in msgspec.structs.asdict(given).items()})


def read_json(name: str, given: Raw, encoded: str = "") -> bytes:
    """Give JSON as compact text, empty for none or null; what came in base64 goes before the rest.

    Raises ValueError, which calls it by its `name`, for what is no JSON.
    """
    if not encoded and not given:
        return b""
    try:
        text = binascii.a2b_base64(encoded, strict_mode=True) if encoded else bytes(given)
        value = _strict.decode(text)
        return b"" if value is None else msgspec.json.format(text, indent=-1)
    except MALFORMED as error:
        raise ValueError(f"{name} is no JSON: {error}") from error
