"""Floor 3: publishing from a back end, with the same Redis function as everybody else.

    with Publisher("redis://localhost:6379") as publisher:
        publisher.send_to_user("7", {"text": "hi"})

publisher.py   synchronous, thread-safe     call.py       one call and its answer
async_publisher.py  its twin on Trio        broadcast.py  many calls and their results
data.py        what is published
"""

from trio_gateway.publisher.async_publisher import AsyncPublisher
from trio_gateway.publisher.broadcast import Result
from trio_gateway.publisher.data import EncodedJson
from trio_gateway.publisher.publisher import Publisher

__all__ = ["AsyncPublisher", "EncodedJson", "Publisher", "Result"]
