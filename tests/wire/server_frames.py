"""What a client reads of the frames that the server writes, by a WebSocket library's own decoder."""

from __future__ import annotations

from wsproto.frame_protocol import FrameDecoder, Opcode


def text_of(frame):
    """Return the text of one whole frame as a client reads it."""
    decoder = FrameDecoder(client=True)
    decoder.receive_bytes(frame)
    opcode, payload, frame_finished, message_finished = decoder.process_buffer()
    assert (opcode, frame_finished, message_finished) == (Opcode.TEXT, True, True)
    assert not decoder.buffer.buffer
    return payload.decode()
