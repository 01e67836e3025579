"""What one client publishes goes to the application first, where it is asked, and then to the store."""

from __future__ import annotations

from trio_gateway.gateway.nodes.node import Node
from trio_gateway.hooks.asking import ask_to_publish, show
from trio_gateway.model.replies import Published
from trio_gateway.session.client import Client
from trio_gateway.session.effects import Store


async def publish(node: Node, client: Client, effect: Store) -> Published:
    """Publish by itself what the session let through.

    Raises the RequestError or Disconnected of a hook or of the store, BrokerUnavailable, and whatever a hook breaks with.
    """
    hooks = node.hooks
    publication = await ask_to_publish(hooks, client, effect)
    data = await show(hooks.on_message, client, effect.asked) if hooks.on_message else None
    position = await node.broker.publish(
        effect.channel,
        publication.data,
        id=publication.id,
        sender=effect.sender,
        info=effect.info,
        tags=publication.tags,
        skip_history=publication.skip_history,
        version=publication.version,
        delta=publication.delta,
    )
    return Published(effect.ref, position.offset, data)
