"""What stands behind a publication's id in a call of `tg1_publish`, for the broker and for back ends alike."""

from __future__ import annotations

from trio_gateway.broker.broker import Version
from trio_gateway.broker.redis.link import Argument


def publish_arguments(
    *,
    info: bytes = b"",
    tags: bytes = b"",
    skip_history: bool = False,
    version: Version | None = None,
    delta: bool = False,
) -> tuple[Argument, ...]:
    """Write what a publication has besides data, sender and id; nothing where it has nothing, as most have."""
    if not (info or tags or skip_history or version or delta):
        return ()
    order = (b"", b"") if version is None else (version.number, version.epoch)
    return (info, tags, b"1" if skip_history else b"", *order, b"1" if delta else b"")
