"""A Fossil delta turns one publication's data into the next one's: <https://fossil-scm.org/home/doc/trunk/www/delta_format.wiki>.

What both have in common at their ends is cut off first, in C's speed; of what is left between, blocks of the source
are looked for in the target. Work is bounded, so that no data holds up the event loop: where that does not do,
there is no delta and the data goes out whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from zlib import adler32

MAX_BYTES = 128 * 1024
"""Of either data: so much with nothing alike takes 2 ms."""

BLOCK = 16
"""Bytes of a block, as in Fossil; shorter ones are found everywhere in JSON. Of larger data blocks are larger:"""

MAX_BLOCKS = 4096
"""of so many at most a table is made."""

STEPS = 8192
"""Places of the target that are looked at, 0.1 µs each."""

STEPS_OF_A_MATCH = 16
"""What following up a match costs, in steps."""

NEAR = 256
"""Bytes behind the last match in which the next one is looked for first: records that look alike come in their order."""

WIDTH = 64
"""Bytes that are compared as one number, which finds where they differ."""

LEAST = 8
"""Bytes that are worth a copy command: one has up to 8 itself."""

_DIGITS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"

_Copy = tuple[int, int, int]
"""Where it begins in the source, where in the target, and how many bytes it has."""


def create_delta(source: bytes, target: bytes) -> bytes | None:
    """Write the delta that makes the target of the source; None where it is not shorter, or not found cheaply enough.

    Both are UTF-8, and so is the delta: no character is cut.
    """
    if max(len(source), len(target)) > MAX_BYTES:
        return None
    parts = [b"%b\n" % _number(len(target))]
    done = 0
    for begin, at, length in _copies(source, target):
        start, end = _whole_characters(target, at, at + length)
        if end - start < LEAST:
            continue
        if start > done:
            parts.append(b"%b:%b" % (_number(start - done), target[done:start]))
        parts.append(b"%b@%b," % (_number(end - start), _number(begin + start - at)))
        done = end
    if done < len(target):
        parts.append(b"%b:%b" % (_number(len(target) - done), target[done:]))
    parts.append(b"%b;" % _number(_checksum(target)))
    delta = b"".join(parts)
    return delta if len(delta) < len(target) else None


def _copies(source: bytes, target: bytes) -> Iterator[_Copy]:
    """Find what can be copied, in the order of the target; nothing of it overlaps there."""
    shorter = min(len(source), len(target))
    first = _alike(source, 0, target, 0, shorter)
    last = _alike_before(source, len(source), target, len(target), shorter - first)
    yield 0, 0, first
    yield from _between(source, range(first, len(source) - last), target, range(first, len(target) - last))
    yield len(source) - last, len(target) - last, last


def _between(source: bytes, there: range, target: bytes, here: range) -> Iterator[_Copy]:
    """Find blocks of the source (`there`) in the target (`here`), as long as steps are left."""
    begin, end, start, stop = there.start, there.stop, here.start, here.stop
    size = BLOCK
    while end - begin > size * MAX_BLOCKS:
        size *= 2
    # Of equal blocks the first one counts.
    blocks = {source[at : at + size]: at for at in reversed(range(begin, end - size + 1, size))}
    steps, done, behind = STEPS if blocks else 0, start, begin
    while steps > 0:
        at = _first_known(blocks, size, target, done, min(stop - size + 1, done + steps))
        if at is None:
            return
        block = target[at : at + size]
        found = source.find(block, behind, min(behind + NEAR, end))
        if found < 0:
            found = blocks[block]
        before = _alike_before(source, found, target, at, min(found, at - done))
        after = _alike(source, found + size, target, at + size, min(end - found, stop - at) - size)
        yield found - before, at - before, before + size + after
        steps -= at - done + STEPS_OF_A_MATCH
        done, behind = at + size + after, found + size + after


def _first_known(blocks: dict[bytes, int], size: int, target: bytes, start: int, stop: int) -> int | None:
    for at in range(start, stop):
        if target[at : at + size] in blocks:
            return at
    return None


def _alike(one: bytes, begin: int, other: bytes, start: int, most: int) -> int:
    """Count how many bytes, up to `most`, are the same from here on; compares in C, in time of the answer."""
    low, high = 0, WIDTH
    while high < most and one[begin + low : begin + high] == other[start + low : start + high]:
        low, high = high, high * 2
    high = min(high, most)
    while high - low > WIDTH:
        middle = (low + high) // 2
        if one[begin + low : begin + middle] == other[start + low : start + middle]:
            low = middle
        else:
            high = middle
    differ = _as_number(one[begin + low : begin + high]) ^ _as_number(other[start + low : start + high])
    return high - (differ.bit_length() + 7) // 8


def _alike_before(one: bytes, end: int, other: bytes, stop: int, most: int) -> int:
    """Count how many bytes, up to `most`, are the same before here."""
    low, high = 0, WIDTH
    while high < most and one[end - high : end - low] == other[stop - high : stop - low]:
        low, high = high, high * 2
    high = min(high, most)
    while high - low > WIDTH:
        middle = (low + high) // 2
        if one[end - middle : end - low] == other[stop - middle : stop - low]:
            low = middle
        else:
            high = middle
    differ = _as_number(one[end - high : end - low]) ^ _as_number(other[stop - high : stop - low])
    return low + ((differ & -differ).bit_length() - 1) // 8 if differ else high


def _as_number(text: bytes) -> int:
    return int.from_bytes(text, "big")


def _whole_characters(text: bytes, start: int, end: int) -> tuple[int, int]:
    """Shrink a part of UTF-8 text to the characters that are wholly in it."""
    while start < end and _continues(text[start]):
        start += 1
    while start < end < len(text) and _continues(text[end]):
        end -= 1
    return start, end


def _continues(byte: int) -> bool:
    """Tell whether a byte goes on with a character (RFC 3629 §3)."""
    return byte & 0xC0 == 0x80


def _number(value: int) -> bytes:
    if 64 <= value < 4096:  # nearly all are so
        return bytes((_DIGITS[value >> 6], _DIGITS[value & 63]))
    digits = [_DIGITS[value & 63]]
    while value := value >> 6:
        digits.append(_DIGITS[value & 63])
    return bytes(reversed(digits))


def _checksum(text: bytes) -> int:
    """Add up 32-bit words, the last one filled with zeros, mod 2**32.

    In C: the lower half of an Adler-32 that begins at 0 is the sum of the bytes mod 65521, which 256 do not reach.
    """
    total = 0
    for start in range(0, len(text), 1024):
        part = text[start : start + 1024]
        for place in range(4):
            total += (adler32(part[place::4], 0) & 0xFFFF) << (24 - 8 * place)
    return total & 0xFFFF_FFFF
