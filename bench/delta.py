"""What a delta costs the node for one publication and topic, and what it saves of the bytes to each client.

    python -m bench.delta cost|saved|largest SECONDS

The data is JSON of 2 KB in which one field changes (`largest`: as much as deltas are made of, with nothing alike).
Prints µs of CPU from the publication to the frame, or how many per cent of the frame with all data are saved.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable

import msgspec

from trio_gateway.hub.deltas import Deltas
from trio_gateway.hub.tail import TailBudget
from trio_gateway.model.publication import Publication
from trio_gateway.wire.centrifugo import CentrifugoCodec
from trio_gateway.wire.fossil import MAX_BYTES

CODEC = CentrifugoCodec("bench")
HEAD = CODEC.publication_head("prices:all", "epoch")
RECORDS = 32


def document(changed: int) -> bytes:
    """Write a document in which one field depends on a number, and stands somewhere in the middle."""
    records = [
        {"id": number, "name": f"sensor {number}", "value": round(number * 1.375, 2), "unit": "mV", "ok": True}
        for number in range(RECORDS)
    ]
    records[changed % RECORDS]["value"] = round(100 + changed * 0.01, 2)
    return msgspec.json.encode({"sequence": 4711, "records": records, "time": 1_700_000_000})


def noise(_changed: int) -> bytes:
    """Write as much data as deltas are made of, with nothing alike."""
    return msgspec.json.encode(random.randbytes(MAX_BYTES // 2 - 1).hex())


def frame(deltas: Deltas, base: Publication, publication: Publication) -> bytes:
    """Do what a node does once for all clients that get a patch."""
    return CODEC.encode_publication(HEAD, deltas.patch(base, publication) or deltas.whole(publication))


def publication(offset: int, data: bytes) -> Publication:
    """Make the publication of some data."""
    return Publication(offset, offset - 1, data, 0)


def cost(make: Callable[[int], bytes], seconds: float) -> float:
    """Measure the µs of CPU that one frame takes."""
    pairs = [(make(number), make(number + RECORDS)) for number in range(8)]
    deltas, spent, made = Deltas(TailBudget()), 0.0, 0
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        before, after = (publication(made + n, data) for n, data in enumerate(pairs[made % len(pairs)], 1))
        began = time.process_time()
        frame(deltas, before, after)
        spent += time.process_time() - began
        made += 1
    return spent / made * 1e6


def saved() -> float:
    """Give how many per cent of the bytes are saved, taken together for a change of each record."""
    pairs = [(publication(1, document(n)), publication(2, document(n + RECORDS))) for n in range(RECORDS)]
    whole = sum(len(CODEC.encode_publication(HEAD, after)) for _, after in pairs)
    return 100 - 100 * sum(len(frame(Deltas(TailBudget()), *pair)) for pair in pairs) / whole


if __name__ == "__main__":
    kind, seconds = sys.argv[1], float(sys.argv[2])
    print(saved() if kind == "saved" else cost(noise if kind == "largest" else document, seconds))
