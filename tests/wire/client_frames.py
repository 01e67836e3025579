"""What a client writes: frames masked with a key, right ones and wrong ones."""

from __future__ import annotations

from trio_gateway.wire.frames import Opcode, unmask

KEY = b"\x37\xfa\x21\x3d"


def client_frame(
    payload=b"", opcode=Opcode.TEXT, *, fin=True, rsv=0, key=KEY, masked=True, length_size=None, length=None
):
    """Write one client frame; `length_size` (0, 2 or 8 bytes) and `length` can be made to lie."""
    length = len(payload) if length is None else length
    if length_size is None:
        length_size = 0 if length < 126 else 2 if length < 65536 else 8
    second = {0: length, 2: 126, 8: 127}[length_size] | (0x80 if masked else 0)
    head = bytes(((0x80 if fin else 0) | rsv << 4 | opcode, second))
    extended = length.to_bytes(length_size, "big") if length_size else b""
    return head + extended + (key + unmask(payload, key) if masked else payload)
