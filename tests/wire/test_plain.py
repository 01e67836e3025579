"""The plain codec is a codec: text to commands, replies and pushes to frames."""

from __future__ import annotations

from wire.server_frames import text_of

from trio_gateway.model.commands import Pong
from trio_gateway.model.presence import Passage
from trio_gateway.model.publication import Gap, Publication
from trio_gateway.model.replies import Unsubscribed
from trio_gateway.wire import plain_replies
from trio_gateway.wire.plain import PLAIN


def test_one_frame_is_one_command():
    assert list(PLAIN.decode(b'{"type":"pong"}')) == [Pong()]


def test_one_frame_that_can_not_be_read_is_one_error():
    (error,) = PLAIN.decode(b"?")

    assert error.code == 107


def test_replies_and_pushes_are_text_frames():
    publication, gap = Publication(1, 0, b"1", 5), Gap(1, 2, "e", 2)
    head = PLAIN.publication_head("#7", "e")

    assert text_of(PLAIN.encode(Unsubscribed(1))) == '{"type":"ok","ref":1}'
    assert text_of(PLAIN.encode_gap("#7", gap)) == plain_replies.encode_gap("#7", gap).decode()
    text = plain_replies.encode_publication(plain_replies.publication_head("#7"), publication)
    assert text_of(PLAIN.encode_publication(head, publication)) == text.decode()


def test_nobody_is_told_who_comes_and_goes():
    assert PLAIN.encode_passage("a", Passage(joined=True, info=b"{}")) == b""
