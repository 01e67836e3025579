"""A user is who a client speaks for; a device is one of the places where that user reads."""

from __future__ import annotations

import re

import attrs

from trio_gateway.model.errors import BadRequest

MAX_USER_BYTES = 128
DEVICE_PATTERN = re.compile(r"[A-Za-z0-9._-]{1,64}")
SURROGATE = re.compile("[\ud800-\udfff]")
CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def check_user_id(user: str) -> str:
    """Return the user id, or raise BadRequest unless it is 1–128 bytes of UTF-8 without control characters."""
    if not 1 <= len(user.encode("utf-8", "surrogatepass")) <= MAX_USER_BYTES:
        raise BadRequest(f"a user id has 1 to {MAX_USER_BYTES} bytes")
    if CONTROL_CHARACTER.search(user) or not is_encodable(user):
        raise BadRequest("a user id is UTF-8 without control characters")
    return user


def check_device(device: str) -> str:
    """Return the device, or raise BadRequest unless it is 1–64 of `A-Z a-z 0-9 . _ -`."""
    if not DEVICE_PATTERN.fullmatch(device):
        raise BadRequest("a device is 1 to 64 of A-Z a-z 0-9 . _ -")
    return device


def is_encodable(text: str) -> bool:
    """Tell whether the text can be written in UTF-8 (a lone surrogate can't)."""
    return text.isascii() or not SURROGATE.search(text)


@attrs.frozen
class User:
    """Name the user a client speaks for; `id` is checked by `check_user_id`, and empty for nobody (ANONYMOUS)."""

    id: str = attrs.field(validator=lambda _self, _field, value: (value and check_user_id(value)) and None)


ANONYMOUS = User("")
"""Nobody: clients that said not who they are. They have no inbox."""
