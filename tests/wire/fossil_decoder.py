"""The other end of a Fossil delta, strict: whatever a client's decoder might refuse is an error here."""

from __future__ import annotations

import re
from struct import unpack

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"
HEAD = re.compile(rb"([0-9A-Z_a-z~]+)\n")
COMMAND = re.compile(rb"([0-9A-Z_a-z~]+)(?:@([0-9A-Z_a-z~]+),|([:;]))")


def apply_delta(source: bytes, delta: bytes) -> bytes:
    """Make the target; raises AssertionError for a delta that is wrong in any way."""
    head = HEAD.match(delta)
    assert head, "the size is missing"
    place, target = head.end(), b""
    while command := COMMAND.match(delta, place):
        count, place = number(command[1]), command.end()
        if command[3] == b";":
            assert place == len(delta), "something follows the end"
            assert count == checksum(target), "the checksum is wrong"
            assert number(head[1]) == len(target), "the size is wrong"
            return target
        if command[3] == b":":
            assert place + count <= len(delta), "the delta ends in an insertion"
            target += delta[place : place + count]
            place += count
        else:
            begin = number(command[2])
            assert begin + count <= len(source), "it copies what is not there"
            target += source[begin : begin + count]
    raise AssertionError("the end is missing")


def number(digits: bytes) -> int:
    value = 0
    for digit in digits.decode():
        value = value * 64 + DIGITS.index(digit)
    return value


def checksum(text: bytes) -> int:
    words = unpack(f">{-(-len(text) // 4)}I", text.ljust(-(-len(text) // 4) * 4, b"\0"))
    return sum(words) % 2**32
