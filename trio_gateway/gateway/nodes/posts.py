"""A post is a message of a client whose connection goes one way: it comes by a request of its own, at whichever node.

What is for another node goes through the store, to a channel that this node alone follows, and is answered
the same way: who posts hears whether the session was there.
"""

from __future__ import annotations

from uuid import uuid4

import attrs
import msgspec
import trio

from trio_gateway.broker.broker import Broker
from trio_gateway.gateway.nodes.mailbox import Mailbox
from trio_gateway.gateway.nodes.survey import NODES_CHANNEL
from trio_gateway.gateway.transport.stream import Streams
from trio_gateway.hub.hub import Hub
from trio_gateway.model.channel import RESERVED_PREFIX
from trio_gateway.model.errors import BrokerUnavailable, UnknownSession
from trio_gateway.model.logger import get_logger

ANSWER_SECONDS = 5.0
"""For a client to take a post; SDKs wait no longer for what a command comes to."""

MAX_WAITING = 256
"""Posts of other nodes that wait for their clients at a time, each at most a frame's size."""

KNOWN_SECONDS = 5.0
"""For which a node that was seen counts as being there."""

log = get_logger(__name__)


class Post(msgspec.Struct, frozen=True, tag_field="do", tag="post"):
    """Hand a message to a session; the answer goes to the node `sender`."""

    id: str
    sender: str
    session: str
    text: str


class Posted(msgspec.Struct, frozen=True, tag_field="do", tag="posted"):
    """Tell whether the session was there and took the message."""

    id: str
    taken: bool


_words: msgspec.json.Decoder[Post | Posted] = msgspec.json.Decoder(Post | Posted)


@attrs.define
class _Outstanding:
    taken: bool = False
    answered: trio.Event = attrs.field(factory=trio.Event)


class Posts:
    """Hand posts to the streams of the node `uid`, and of all other nodes."""

    def __init__(self, uid: str, hub: Hub, broker: Broker, streams: Streams) -> None:
        self._uid = uid
        self._broker = broker
        self._streams = streams
        self._mailbox = Mailbox(hub, _posts_channel(uid), _words, self._hear)
        self._outstanding: dict[str, _Outstanding] = {}
        self._nodes: dict[str, float] = {}
        self._waiting = 0
        self._nursery: trio.Nursery | None = None

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Take what other nodes hand over, until cancelled; reports as started at once."""
        async with trio.open_nursery() as self._nursery:
            task_status.started()
            await self._mailbox.serve()

    async def post(self, node: str, session: str, text: str) -> None:
        """Hand a message to the client that has a session at a node; returns when it is taken.

        Raises UnknownSession where none is there, and BrokerUnavailable where nobody knows.
        """
        if node == self._uid:
            with trio.move_on_after(ANSWER_SECONDS) as patience:
                await self._hand_over(session, text)
            if patience.cancelled_caught:
                raise BrokerUnavailable("the client is too busy to take more")
            return
        await self._check_node(node)
        post = Post(uuid4().hex, self._uid, session, text)
        outstanding = self._outstanding[post.id] = _Outstanding()
        try:
            await self._broker.publish(_posts_channel(node), msgspec.json.encode(post))
            with trio.move_on_after(ANSWER_SECONDS) as patience:
                await outstanding.answered.wait()
        finally:
            del self._outstanding[post.id]
        if patience.cancelled_caught:
            self._nodes.pop(node, None)
            raise BrokerUnavailable("the client's node does not answer")
        if not outstanding.taken:
            raise UnknownSession

    async def _check_node(self, node: str) -> None:
        """Raise UnknownSession where no such node is there: it would be a new channel in the store for each name."""
        now = trio.current_time()
        if self._nodes.get(node, 0) <= now:
            self._nodes = dict.fromkeys(await self._broker.presence(NODES_CHANNEL), now + KNOWN_SECONDS)
        if node not in self._nodes:
            raise UnknownSession

    async def _hand_over(self, session: str, text: str) -> None:
        stream = self._streams.get(session)
        if stream is None:
            raise UnknownSession
        try:
            await stream.post(text.encode())
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise UnknownSession from None

    def _hear(self, word: Post | Posted) -> None:
        if isinstance(word, Post):
            self._take(word)
        elif (outstanding := self._outstanding.get(word.id)) is not None:
            outstanding.taken = word.taken
            outstanding.answered.set()

    def _take(self, post: Post) -> None:
        if self._waiting >= MAX_WAITING or self._nursery is None:
            log.warning("too many messages of other nodes wait for their clients", waiting=self._waiting)
            return  # who posted hears nothing, and its client begins anew
        self._waiting += 1
        self._nursery.start_soon(self._hand_over_and_answer, post)

    async def _hand_over_and_answer(self, post: Post) -> None:
        try:
            taken = False
            with trio.move_on_after(ANSWER_SECONDS):
                taken = await self._is_taken(post)
            await self._broker.publish(_posts_channel(post.sender), msgspec.json.encode(Posted(post.id, taken)))
        except BrokerUnavailable:
            log.debug("a message of another node goes unanswered, as the store is away")
        finally:
            self._waiting -= 1

    async def _is_taken(self, post: Post) -> bool:
        try:
            await self._hand_over(post.session, post.text)
        except UnknownSession:
            return False
        return True


def _posts_channel(node: str) -> str:
    return f"{RESERVED_PREFIX}posts:{node}"
