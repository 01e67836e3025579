"""One publication as a call of `tg1_publish`, and its answer as a position, without I/O.

Both publishers make their calls here. They send a call twice only if it carries an id: a stalled
server may have taken the first one, and would store the second as another publication.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from redis import exceptions

from trio_gateway.broker.broker import BACK_END
from trio_gateway.broker.checks import check_publication
from trio_gateway.broker.limits import Limits
from trio_gateway.broker.redis.function_library import Installation, installation_of
from trio_gateway.broker.redis.keys import Keys
from trio_gateway.broker.redis.publish_arguments import publish_arguments
from trio_gateway.model.channel import RESERVED_PREFIX, inbox_of, is_reserved
from trio_gateway.model.errors import ConfigurationError, InvalidChannel
from trio_gateway.model.position import Position
from trio_gateway.model.user import check_user_id
from trio_gateway.publisher.data import encode_tags
from trio_gateway.settings.duration import DAY
from trio_gateway.settings.namespaces import ChannelRules, InboxRules, Namespaces

Command = tuple[str | bytes | int, ...]

FAR_LIMITS = Limits(max_publication_size=512 * 1024 * 1024, max_channel_length=65_536)
"""What no setting goes beyond (Redis takes 512 MiB at once); the real limits are the store's to judge."""

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0
"""Per attempt. A disk that stalls holds an append-only file up for a second or two, and that is no failure."""

ATTEMPTS_WITH_ID = 2
UNANSWERED = (exceptions.ConnectionError, exceptions.TimeoutError)
"""After these nobody knows whether the call took effect."""


def make_keys(prefix: str) -> Keys:
    """Make the key names of a prefix; raises ConfigurationError for one of another form."""
    try:
        return Keys(prefix)
    except ValueError as error:
        raise ConfigurationError(f"prefix: {error}") from None


GUESSED = InboxRules(history_size=100_000, history_ttl=30 * DAY, history_meta_ttl=60 * DAY)
GUESSED_CHANNELS = ChannelRules(history_size=100_000, history_ttl=30 * DAY, history_meta_ttl=60 * DAY)
"""More than a gateway is likely to keep: what is trimmed by a guess is gone, what is kept too long is trimmed later."""


def default_installation() -> Installation:
    """Give the settings to load where no gateway has brought the real ones yet, or they were flushed."""
    return installation_of(Namespaces(inbox=GUESSED, without_namespace=GUESSED_CHANNELS), Limits(), provisional=True)


def inbox_channel(user: str) -> str:
    """Name a user's inbox; raises BadRequest for what is no user id."""
    return inbox_of(check_user_id(user))


def publish_command(
    keys: Keys,
    channel: str,
    data: bytes,
    id: str | None,
    tags: Mapping[str, str] | None = None,
    *,
    delta: bool = False,
) -> Command:
    """Make the command; raises InvalidChannel, InvalidId or InvalidData for what no setting would let pass."""
    check_publication(channel, data, id or "", BACK_END, FAR_LIMITS)
    if is_reserved(channel):
        raise InvalidChannel(f"channels that begin with {RESERVED_PREFIX} are the gateway's own")
    names = keys.for_publish(channel, BACK_END, id or "")
    more = publish_arguments(tags=encode_tags(tags) if tags else b"", delta=delta)
    return ("FCALL", "tg1_publish", len(names), *names, data, BACK_END, id or "", *more)


def read_answer(answer: Sequence[Any]) -> Position:
    """Read what `tg1_publish` answers."""
    epoch, offset = answer
    return Position(epoch if isinstance(epoch, str) else epoch.decode(), int(offset))


def attempts_of(id: str | None) -> range:
    """Tell how often a call may be sent: twice with an id, else once."""
    return range(ATTEMPTS_WITH_ID if id else 1)
