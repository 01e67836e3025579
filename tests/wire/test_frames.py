"""Frames have the bytes that RFC 6455 asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Opcode as TheirOpcode
from wsproto.frame_protocol import FrameDecoder, XorMaskerSimple

from trio_gateway.wire.frames import PING_FRAME, Opcode, text_frame, unmask


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65535, 65536, 100_000])
def test_a_text_frame_is_read_by_wsproto_as_the_same_text(length):
    decoder = FrameDecoder(client=True)
    decoder.receive_bytes(text_frame(b"x" * length))

    frame = decoder.process_buffer()

    assert (Opcode.TEXT, b"x" * length, True, True) == tuple(frame)
    assert not decoder.buffer.buffer


def test_a_text_frame_takes_the_shortest_form_of_its_length():
    assert text_frame(b"x" * 125)[:2] == b"\x81\x7d"
    assert text_frame(b"x" * 126)[:4] == b"\x81\x7e\x00\x7e"
    assert text_frame(b"x" * 65536)[:10] == b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"


def test_the_ping_frame_is_whole_and_empty():
    assert PING_FRAME == b"\x89\x00"


def test_opcodes_are_those_of_the_rfc():
    assert {opcode.value for opcode in TheirOpcode} == {opcode.value for opcode in Opcode}


@given(st.binary(max_size=3000), st.binary(min_size=4, max_size=4))
def test_unmasking_is_what_wsproto_does(payload, key):
    assert bytes(XorMaskerSimple(key).process(bytearray(payload))) == unmask(payload, key)


@pytest.mark.parametrize("length", [1023, 1024, 1025, 1026, 1027, 60_000])
def test_unmasking_twice_gives_the_payload_back(length):
    payload = bytes(place % 251 for place in range(length))

    assert payload == unmask(unmask(payload, b"\x01\x80\xff\x00"), b"\x01\x80\xff\x00")
