"""A message goes into its conversation and into the inboxes of its members, by one call of `cent`.

`cent` waits for the network, so it runs in a thread (its asynchronous form needs asyncio). Each
publication carries an idempotency key, so whoever is not sure that it was stored asks again.
"""

from __future__ import annotations

from collections.abc import Sequence

import cent
import requests
from starlette.concurrency import run_in_threadpool

SECONDS = 5.0
"""For an answer of the gateway; then the page is told to try again."""


class Unpublished(Exception):
    """It is not known to be stored in every channel: repeat it under the same key."""


def make_client(url: str, key: str) -> cent.Client:
    """Make a client of the gateway's HTTP API; the gateway is this machine's, so no proxy is asked."""
    session = requests.Session()
    session.trust_env = False
    return cent.Client(url, key, timeout=SECONDS, session=session)


async def publish(
    client: cent.Client, channels: Sequence[str], data: object, *, key: str
) -> Sequence[cent.PublishResult]:
    """Publish the same in all of these channels, once for each key; gives its position in each, or raises Unpublished."""
    request = cent.BroadcastRequest(channels=list(channels), data=data, idempotency_key=key)
    try:
        result = await run_in_threadpool(client.broadcast, request)
    except cent.CentError as failed:
        raise Unpublished(str(failed)) from failed
    refused = [each.error for each in result.responses if each.error]
    if refused:
        raise Unpublished(f"{refused[0].code} {refused[0].message}")
    return [each.result for each in result.responses if each.result]
