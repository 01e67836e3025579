"""The splitter delivers what wsproto delivers, and names each violation by its close code."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from tests.wire.client_frames import client_frame
from trio_gateway.model.codes import INVALID_PAYLOAD, MESSAGE_TOO_BIG, PROTOCOL_ERROR, UNSUPPORTED_DATA
from trio_gateway.wire.frames import Opcode
from trio_gateway.wire.splitter import ControlFrame, FrameSplitter

UNBOUNDED = 2**62


def split(*pieces, max_message_size=65_536, max_fragments=1024):
    """Feed pieces to a new splitter; return everything it delivered, and itself."""
    splitter = FrameSplitter(max_message_size, max_fragments)
    received = [item for piece in pieces for item in splitter.receive(piece)]
    return received, splitter


def simplified(received):
    return [(item.opcode, item.payload) if isinstance(item, ControlFrame) else item for item in received]


# -- What is delivered


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65_535, 65_536])
def test_a_message_of_any_length_arrives_unmasked(length):
    received, splitter = split(client_frame(b"x" * length))

    assert [b"x" * length] == received
    assert splitter.violation is None


def test_many_messages_of_one_read_arrive_in_order():
    received, _ = split(b"".join(client_frame(b"%d" % number) for number in range(200)))

    assert [b"%d" % number for number in range(200)] == received


@pytest.mark.parametrize("text", ["ü", "€", "😀", "x" * 120 + "ü", "ü" * 5000])
def test_text_beyond_ascii_arrives_as_its_utf_8(text):
    assert [text.encode()] == split(client_frame(text.encode()))[0]


def test_each_byte_may_arrive_alone():
    stream = client_frame(b"one") + client_frame(b"x" * 300) + client_frame(b"", Opcode.PONG) + client_frame(b"three")

    received, _ = split(*(stream[place : place + 1] for place in range(len(stream))))

    assert simplified(received) == [b"one", b"x" * 300, (Opcode.PONG, b""), b"three"]


def test_fragments_arrive_as_one_message_with_control_frames_between_them_first():
    received, _ = split(
        client_frame(b"he", fin=False),
        client_frame(b"?", Opcode.PING),
        client_frame(b"", Opcode.CONTINUATION, fin=False),
        client_frame(b"llo", Opcode.CONTINUATION),
        client_frame(b"next"),
    )

    assert simplified(received) == [(Opcode.PING, b"?"), b"hello", b"next"]


def test_a_character_may_be_cut_by_fragments():
    received, splitter = split(client_frame(b"\xe2", fin=False), client_frame(b"\x82\xac", Opcode.CONTINUATION))

    assert ["€".encode()] == received
    assert splitter.violation is None


@pytest.mark.parametrize("opcode", [Opcode.PING, Opcode.PONG])
def test_a_control_frame_carries_its_payload_and_its_bytes_as_received(opcode):
    raw = client_frame(b"y" * 125, opcode)

    assert [ControlFrame(opcode, b"y" * 125, raw)] == split(b"".join((client_frame(b"x"), raw)))[0][1:]


# -- Close


@pytest.mark.parametrize(
    "payload",
    [b"", b"\x03\xe8", b"\x03\xe8bye", b"\x03\xe9" + "tschüß".encode(), b"\x0b\xb8", b"\x13\x87" + b"r" * 123],
)
def test_nothing_is_delivered_after_a_close(payload):
    received, splitter = split(
        client_frame(payload, Opcode.CLOSE) + client_frame(b"late") + b"\x00\x00",
        client_frame(b"later"),
    )

    assert [(Opcode.CLOSE, payload)] == simplified(received)
    assert splitter.ended
    assert splitter.violation is None


@pytest.mark.parametrize(
    ("payload", "verdict"),
    [
        pytest.param(b"\x03", PROTOCOL_ERROR, id="half a code"),
        pytest.param((999).to_bytes(2, "big"), PROTOCOL_ERROR, id="below 1000"),
        pytest.param((1004).to_bytes(2, "big"), PROTOCOL_ERROR, id="reserved"),
        pytest.param((1005).to_bytes(2, "big"), PROTOCOL_ERROR, id="never on the wire"),
        pytest.param((1006).to_bytes(2, "big"), PROTOCOL_ERROR, id="never on the wire either"),
        pytest.param((1015).to_bytes(2, "big"), PROTOCOL_ERROR, id="nor this"),
        pytest.param((2999).to_bytes(2, "big"), PROTOCOL_ERROR, id="unassigned"),
        pytest.param((5000).to_bytes(2, "big"), PROTOCOL_ERROR, id="beyond 4999"),
        pytest.param(b"\x03\xe8\xff", INVALID_PAYLOAD, id="reason not UTF-8"),
    ],
)
def test_a_malformed_close_is_a_violation(payload, verdict):
    received, splitter = split(client_frame(b"before") + client_frame(payload, Opcode.CLOSE))

    assert received == [b"before"]
    assert splitter.violation is verdict


def test_close_codes_are_judged_as_wsproto_judges_them():
    for code in range(990, 5010):
        payload = code.to_bytes(2, "big")
        _, splitter = split(client_frame(payload, Opcode.CLOSE))

        assert their_verdict([client_frame(payload, Opcode.CLOSE)])[1] == (splitter.violation and 1002), code


# -- Violations


VIOLATIONS = [
    pytest.param(client_frame(b"x", masked=False), PROTOCOL_ERROR, id="unmasked text"),
    pytest.param(client_frame(b"", Opcode.PING, masked=False), PROTOCOL_ERROR, id="unmasked ping"),
    *(pytest.param(client_frame(b"x", rsv=rsv), PROTOCOL_ERROR, id=f"reserved bits {rsv:03b}") for rsv in (1, 2, 4, 7)),
    pytest.param(client_frame(b"", Opcode.PING, rsv=4), PROTOCOL_ERROR, id="reserved bit of a ping"),
    *(pytest.param(client_frame(b"x", code), PROTOCOL_ERROR, id=f"opcode {code}") for code in (3, 4, 5, 6, 7)),
    *(pytest.param(client_frame(b"x", code), PROTOCOL_ERROR, id=f"opcode {code}") for code in (11, 12, 13, 14, 15)),
    pytest.param(client_frame(b"x" * 126, Opcode.PING), PROTOCOL_ERROR, id="long ping"),
    pytest.param(client_frame(b"", Opcode.PONG, length_size=8), PROTOCOL_ERROR, id="pong of 64-bit length"),
    pytest.param(client_frame(b"", Opcode.PING, fin=False), PROTOCOL_ERROR, id="fragmented ping"),
    pytest.param(client_frame(b"", Opcode.CLOSE, fin=False), PROTOCOL_ERROR, id="fragmented close"),
    pytest.param(client_frame(b"x", Opcode.CONTINUATION), PROTOCOL_ERROR, id="continuation of nothing"),
    pytest.param(client_frame(b"", fin=False) + client_frame(b"x"), PROTOCOL_ERROR, id="text inside a message"),
    pytest.param(
        client_frame(b"x", fin=False) + client_frame(b"x", Opcode.BINARY), PROTOCOL_ERROR, id="binary inside a message"
    ),
    pytest.param(client_frame(b"x" * 125, length_size=2), PROTOCOL_ERROR, id="16-bit length of a short frame"),
    pytest.param(client_frame(b"x" * 125, length_size=8), PROTOCOL_ERROR, id="64-bit length of a short frame"),
    pytest.param(client_frame(b"x" * 65_535, length_size=8), PROTOCOL_ERROR, id="64-bit length of a medium frame"),
    pytest.param(client_frame(length=2**63, length_size=8), PROTOCOL_ERROR, id="top bit of the length"),
    pytest.param(client_frame(b"x", Opcode.BINARY), UNSUPPORTED_DATA, id="binary"),
    pytest.param(client_frame(b"x", Opcode.BINARY, fin=False), UNSUPPORTED_DATA, id="fragmented binary"),
    pytest.param(client_frame(b"x" * 65_537), MESSAGE_TOO_BIG, id="too long"),
    pytest.param(client_frame(length=2**63 - 1, length_size=8), MESSAGE_TOO_BIG, id="far too long"),
    pytest.param(
        client_frame(b"x" * 65_000, fin=False) + client_frame(b"x" * 537, Opcode.CONTINUATION),
        MESSAGE_TOO_BIG,
        id="fragments too long together",
    ),
    pytest.param(
        client_frame(b"", fin=False) + client_frame(b"", Opcode.CONTINUATION, fin=False) * 1024,
        MESSAGE_TOO_BIG,
        id="too many empty fragments",
    ),
    pytest.param(client_frame(b"\xff"), INVALID_PAYLOAD, id="not UTF-8"),
    pytest.param(client_frame(b"\xed\xa0\x80"), INVALID_PAYLOAD, id="a surrogate"),
    pytest.param(client_frame(b"x" * 200 + b"\xc3"), INVALID_PAYLOAD, id="half a character at the end"),
    pytest.param(client_frame(b"\xff", fin=False), INVALID_PAYLOAD, id="not UTF-8 in the first fragment"),
    pytest.param(
        client_frame(b"\xe2\x82", fin=False) + client_frame(b"", Opcode.CONTINUATION),
        INVALID_PAYLOAD,
        id="half a character at the end of fragments",
    ),
]


@pytest.mark.parametrize(("wrong", "verdict"), VIOLATIONS)
def test_a_violation_is_named_after_everything_before_it_was_delivered(wrong, verdict):
    received, splitter = split(client_frame(b"one") + client_frame(b"", Opcode.PING) + wrong + client_frame(b"late"))

    assert simplified(received) == [b"one", (Opcode.PING, b"")]
    assert splitter.violation is verdict
    assert splitter.ended


@pytest.mark.parametrize(("wrong", "verdict"), VIOLATIONS)
def test_a_violation_is_found_in_whatever_cuts_it_comes(wrong, verdict):
    cuts = [wrong[place : place + 3] for place in range(0, len(wrong), 3)]

    received, splitter = split(client_frame(b"one"), *cuts)

    assert received == [b"one"]
    assert splitter.violation is verdict


def test_after_a_violation_whatever_comes_is_ignored():
    _, splitter = split(client_frame(b"x", Opcode.BINARY))

    assert splitter.receive(client_frame(b"late")) == []
    assert splitter.violation is UNSUPPORTED_DATA


@pytest.mark.parametrize(
    ("header", "verdict"),
    [
        pytest.param(client_frame(b"x")[:1] + b"\x01", PROTOCOL_ERROR, id="unmasked"),
        pytest.param(client_frame(b"x", Opcode.BINARY)[:2], UNSUPPORTED_DATA, id="binary"),
        pytest.param(client_frame(length=65_537, length_size=8)[:10], MESSAGE_TOO_BIG, id="too long"),
        pytest.param(client_frame(length=100, length_size=2)[:4], PROTOCOL_ERROR, id="not the shortest form"),
    ],
)
def test_a_header_is_judged_before_its_payload_arrives(header, verdict):
    assert split(header)[1].violation is verdict


def test_a_short_message_can_be_too_long_as_well():
    assert split(client_frame(b"12345"), max_message_size=4)[1].violation is MESSAGE_TOO_BIG


def test_as_many_fragments_as_allowed_are_taken():
    pieces = [
        client_frame(b"a", fin=False),
        client_frame(b"b", Opcode.CONTINUATION, fin=False),
        client_frame(b"c", Opcode.CONTINUATION),
    ]

    assert split(*pieces * 2, max_fragments=3)[0] == [b"abc", b"abc"]
    assert split(*pieces, max_fragments=2)[1].violation is MESSAGE_TOO_BIG


def test_no_more_is_kept_than_one_message_and_one_header():
    frame = client_frame(b"x" * 65_536)
    splitter = FrameSplitter(65_536)
    kept = 0
    for start in range(0, len(frame) - 1, 1000):
        splitter.receive(frame[start : min(start + 1000, len(frame) - 1)])
        kept = max(kept, len(splitter._buffer))

    assert kept == len(frame) - 1
    assert splitter.receive(frame[-1:] + client_frame(b"next")[:-1]) == [b"x" * 65_536]
    assert len(client_frame(b"next")) - 1 == len(splitter._buffer)


# -- wsproto as the judge


def their_verdict(pieces):
    """Feed wsproto; return what it delivered (messages joined) and the code it closes with, None while open."""
    connection = Connection(ConnectionType.SERVER)
    received, text = [], ""
    for piece in pieces:
        connection.receive_data(piece)
        for event in connection.events():
            match event:
                case TextMessage():
                    text += event.data
                    if event.message_finished:
                        received.append(text.encode())
                        text = ""
                case BytesMessage():
                    return received, 1003
                case Ping():
                    received.append((Opcode.PING, bytes(event.payload)))
                case Pong():
                    received.append((Opcode.PONG, bytes(event.payload)))
                case CloseConnection():
                    clean = connection.state.name == "REMOTE_CLOSING"
                    return [*received, Opcode.CLOSE] if clean else received, None if clean else int(event.code)
    return received, None


def our_verdict(pieces):
    received, splitter = split(*pieces, max_message_size=UNBOUNDED, max_fragments=UNBOUNDED)
    closed = [Opcode.CLOSE if item[:1] == (Opcode.CLOSE,) else item for item in simplified(received)]
    return closed, splitter.violation and splitter.violation.code


def cut(stream, places):
    bounds = sorted({0, len(stream), *(place % (len(stream) + 1) for place in places)})
    return [stream[start:end] for start, end in itertools.pairwise(bounds)]


cuts = st.lists(st.integers(0, 5000), max_size=12)
keys = st.binary(min_size=4, max_size=4)
texts = st.text(max_size=200).map(str.encode) | st.integers(120, 130).map(lambda length: b"x" * length)


@st.composite
def fragmented(draw):
    """Write one message in fragments, with pings and pongs between them."""
    text = draw(texts)
    pieces = cut(text, draw(st.lists(st.integers(0, 200), max_size=4))) or [b""]
    frames = []
    for place, piece in enumerate(pieces):
        opcode = Opcode.CONTINUATION if place else Opcode.TEXT
        frames.append(client_frame(piece, opcode, fin=place == len(pieces) - 1, key=draw(keys)))
        if draw(st.booleans()) and place < len(pieces) - 1:
            frames.append(draw(controls))
    return b"".join(frames)


controls = st.builds(client_frame, st.binary(max_size=125), st.sampled_from([Opcode.PING, Opcode.PONG]), key=keys)
closes = st.builds(
    client_frame,
    st.one_of(
        st.binary(max_size=6),
        st.builds(
            lambda code, reason: code.to_bytes(2, "big") + reason, st.integers(990, 5010), texts.map(lambda t: t[:100])
        ),
    ),
    st.just(Opcode.CLOSE),
    key=keys,
)
valid = st.one_of(st.builds(client_frame, texts, key=keys), fragmented(), controls)
wild = st.builds(
    client_frame,
    st.binary(max_size=140),
    st.integers(0, 15),
    fin=st.booleans(),
    rsv=st.sampled_from([0, 0, 0, 1, 4]),
    key=keys,
    masked=st.sampled_from([True, True, True, False]),
)


@given(st.lists(valid, max_size=8), cuts)
def test_valid_frames_in_arbitrary_cuts_arrive_as_in_wsproto(frames, places):
    pieces = cut(b"".join(frames), places)

    assert (their_verdict(pieces)[0], None) == our_verdict(pieces)


@given(st.lists(valid, max_size=4), st.lists(wild | closes, min_size=1, max_size=6), cuts)
@settings(max_examples=400)
def test_frames_right_and_wrong_get_the_verdict_of_wsproto(frames, wrong, places):
    pieces = cut(b"".join(frames + wrong), places)

    assert their_verdict(pieces) == our_verdict(pieces)


@given(st.binary(max_size=400), cuts)
@settings(max_examples=400)
@example(b"\x81\xfe\x00\x80" + b"\x00" * 4 + b"\xff", [])
@example(b"\x00~", [])
def test_arbitrary_bytes_get_the_verdict_of_wsproto_sooner_or_later(stream, places):
    """Where the last frame is incomplete, the splitter judges its header first, and wsproto what there is of its text."""
    pieces = cut(stream, places)
    ours = our_verdict(pieces)
    theirs = their_verdict(pieces)
    if theirs[1] is None and ours[1] is not None:
        theirs = their_verdict([*pieces, b"\x01" * 32])

    assert theirs == ours or theirs == (ours[0], 1007)
    assert theirs[1] == ours[1] or ours[1] is None


@given(st.lists(valid | wild | closes, max_size=8), cuts)
def test_the_cuts_make_no_difference(frames, places):
    stream = b"".join(frames)

    assert our_verdict([stream]) == our_verdict(cut(stream, places))
